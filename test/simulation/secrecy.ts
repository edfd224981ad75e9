import { toHex } from '@quorate/protocol';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import { spellings } from '../support/canaries.ts';
import type { Facts, Polynomial } from './facts.ts';
import { Needles } from './needles.ts';
import { inClear } from './world.ts';

/** What the adversary may know: fewer points of any polynomial than determine it. */
export async function secrecy(facts: Facts): Promise<void> {
  await outside(facts);
  const view = viewOf(facts);
  dealings(facts, view);
  for (const polynomial of facts.polynomials.values()) rank(facts, view, polynomial);
}

/** A share of any epoch is told by its last eight bytes: no frame, no log, no answer and no audit has them. */
async function outside(facts: Facts): Promise<void> {
  const shares = [...facts.shares.values()].map((share) => share.subarray(-8));
  if (new Needles(shares).areIn(Buffer.concat(facts.frames)))
    facts.fail('I11 no secret outside', 'a share was said in clear');
  const texts = new Needles(shares.flatMap(spellings));
  for (const { life, log, name } of facts.world.honest) {
    if (texts.areIn(Buffer.from(log.join('\n'))))
      facts.fail('I11 no secret outside', `a share is in the log of ${name}`);
    const { node } = life ?? {};
    if (node === undefined) continue;
    const audit = await node.audit({ most: 100_000 }).catch(String);
    const answers = [node.ceremonies(), node.peers(), await node.status(), await node.health(), await node.keys()];
    if (texts.areIn(Buffer.from(inClear([...answers, audit]))))
      facts.fail('I11 no secret outside', `${name} tells a share to whoever asks it`);
  }
}

/**
 * The numbers that the adversary has seen, as the hexadecimal digits of their last eight bytes: those that were sealed under keys
 * that its members know, and those that anybody said in clear. In the toy group a number is behind 24 zeros.
 */
function viewOf({ frames, world: { dealt } }: Facts): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const { key, plaintext } of dealt.shares) if (dealt.known.has(key)) seen.add(lastOf(plaintext));
  const said = Buffer.concat(frames);
  const zeros = Buffer.alloc(24);
  for (let at = said.indexOf(zeros); at >= 0; at = said.indexOf(zeros, at + 1)) {
    at += zeros.length;
    while (said[at] === 0) at++;
    seen.add(toHex(said.subarray(at, at + 8)));
  }
  return seen;
}

function lastOf(number: Uint8Array): string {
  return toHex(number.subarray(-8));
}

/** Of what an honest member deals, be it shares or changes of shares, the adversary sees what is for its own members. */
function dealings(facts: Facts, view: ReadonlySet<string>): void {
  const seen = new Map<string, Set<string>>();
  for (const { dealer, dealing, plaintext, to } of facts.world.dealt.shares) {
    if (dealer.isCorrupt || !view.has(lastOf(plaintext))) continue;
    const points = seen.get(dealing) ?? new Set();
    seen.set(dealing, points.add(to));
    if (points.size > facts.plan.corrupt)
      facts.fail('I2 secrecy', `the adversary sees ${points.size} of the shares that ${dealer.name} deals`);
  }
}

/** The shares of an epoch are on a polynomial of the degree that they should be, and the adversary has too few of them. */
function rank(facts: Facts, view: ReadonlySet<string>, { members, name, order, points, threshold }: Polynomial): void {
  // Fewer points are on many polynomials.
  if (points.size < threshold) return;
  const least = spanOf([...points], order);
  const known = [...points.values()].filter((share) =>
    view.has(share.toString(16).padStart(16, '0').slice(-16)),
  ).length;
  const corrupt = members.filter(({ isCorrupt }) => isCorrupt).length;
  if (known + corrupt >= Math.min(least, threshold))
    facts.fail('I2 secrecy', `the adversary has ${known + corrupt} shares of ${name}, of which ${least} are the key`);
}

/** How many points of a polynomial say all the others. */
function spanOf(points: readonly (readonly [x: bigint, y: bigint])[], order: bigint): number {
  const field = primeField(order);
  // Newton's divided differences: the polynomial has as many coefficients as are not zero.
  let row = points.map(([, y]) => y);
  let least = 0;
  for (let k = 1; row.length > 0; k++) {
    if (row[0] !== 0n) least = k;
    row = row.slice(1).map((next, i) => {
      const width = (points[i + k] as (typeof points)[0])[0] - (points[i] as (typeof points)[0])[0];
      return field.reduce(field.reduce(next - (row[i] as bigint)) * field.invert(field.reduce(width)));
    });
  }
  return least;
}
