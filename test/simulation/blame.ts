import { equal, fromHex } from '@quorate/protocol';
import type { Home } from '../../packages/node/src/home.ts';
import type { CeremonyView } from '../../packages/node/src/service.ts';
import type { Facts } from './facts.ts';
import type { Seat } from './world.ts';

/** What a member keeps of those who cheated: proofs against the corrupt, and against nobody else. */
export async function blames(facts: Facts, seat: Seat, home: Home): Promise<void> {
  let proofs = home.bans.list().length;
  for (const { node } of home.bans.list()) {
    facts.reach('ban on the disk');
    if (!facts.isCorruptNode(node)) facts.fail('I7 blame soundness', `${seat.name} bans an honest member`);
  }
  for await (const { node, evidence } of home.blames.all()) {
    proofs++;
    facts.reach('blame on the disk');
    if (!facts.isCorruptNode(node))
      facts.fail('I7 blame soundness', `${seat.name} blames an honest member: ${evidence.code}`);
  }
  if (proofs === 0 && seat.life !== undefined && facts.accusers.has(seat.life))
    facts.fail('I8 blame completeness', `${seat.name} accused somebody before the others, and keeps no proof of it`);
  let last: Uint8Array | undefined;
  for await (const { fields, hash, kind, previous } of home.audit.entries()) {
    if (last !== undefined && !equal(previous, last) && !facts.isBeyond(seat))
      facts.fail('audit', `the log of ${seat.name} is broken`);
    last = hash;
    if (kind === 'share-restored' || kind === 'copy-restored') facts.reach(kind);
    const node = fields['node'];
    if ((kind === 'ban' || kind === 'blame') && typeof node === 'string' && !facts.isCorruptNode(fromHex(node)))
      facts.fail('I7 blame soundness', `${seat.name} wrote down a ${kind} of an honest member`);
    if (fields['code'] === 'conflicting-ready') facts.reach('conflicting READY noticed');
  }
  if (last !== undefined && !equal(last, home.audit.head().hash) && !facts.isBeyond(seat))
    facts.fail('audit', `the log of ${seat.name} has lost its end`);
}

/** Who ends a ceremony because of a cheat names one who did. */
export function named(facts: Facts, seat: Seat, { failure, id }: CeremonyView): void {
  if (failure?.code !== 'cheated') return;
  const isOne = failure.culprits.some(({ name }) =>
    facts.world.seats.some((one) => one.isCorrupt && one.name === name),
  );
  if (!isOne) facts.fail('I8 blame completeness', `${seat.name} calls ${id} cheated, and names nobody who did`);
}
