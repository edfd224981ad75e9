import { equal, type Member, type Party, type PublicPackage } from '@quorate/protocol';
import { rendezvous } from '../coordination/election.ts';
import type { PeerId } from '../network/network.ts';
import { ServiceError } from '../service.ts';
import type { Workshop } from './task.ts';

interface Choice {
  /** How many are needed. */
  readonly count: number;
  /** Those whom the operator names, if it does. */
  readonly names: readonly string[] | undefined;
  /** Chooses others each time. */
  readonly nonce: Uint8Array;
  /** Who can help, as far as is known: they come first. */
  readonly able?: ReadonlySet<PeerId>;
  /** How often somebody was chosen before: who was least often comes first, so that one who spoils it is soon left out. */
  readonly tries?: ReadonlyMap<PeerId, number>;
  peerOf(node: Uint8Array): PeerId;
  live(): ReadonlySet<PeerId>;
}

/**
 * Which other members take part in something that needs some of them: those whom the operator names, else as many as are needed of
 * those who are there. Ascending.
 * @throws {ServiceError} `no-quorum`, `invalid`
 */
export function chooseHelpers(
  { members }: Pick<PublicPackage, 'members'>,
  { able, count, live, names, nonce, peerOf, tries = new Map() }: Choice,
  { bans, key, nameOf }: Workshop,
): readonly Party[] {
  const others = members.filter(({ node }) => !equal(node, key.publicKey));
  const stranger = names?.find((name) => !others.some(({ node }) => nameOf(node) === name));
  if (stranger !== undefined) throw new ServiceError('invalid', `${stranger} is no other member of this key`);
  const chosen = others.filter(({ node }) => names?.includes(nameOf(node)) ?? !bans.has(node));
  const connected = live();
  const [here, away] = [true, false].map((is) => chosen.filter(({ node }) => connected.has(peerOf(node)) === is)) as [
    Member[],
    Member[],
  ];
  const wanted = names?.length ?? count;
  if (here.length < wanted || wanted < count) {
    const missing = away.length === 0 ? '' : `, and ${away.map(({ node }) => nameOf(node)).join(', ')} not`;
    throw new ServiceError('no-quorum', `this needs ${count} other members: ${here.length} are connected${missing}`);
  }
  const lacks = (node: Uint8Array): number => (able === undefined || able.has(peerOf(node)) ? 0 : 1);
  const triesOf = (node: Uint8Array): number => tries.get(peerOf(node)) ?? 0;
  const nodes = here.map(({ node }) => node);
  const order = rendezvous('signer', nonce, 0, nodes).toSorted(
    (a, b) => lacks(a) - lacks(b) || triesOf(a) - triesOf(b),
  );
  const turns = order.slice(0, wanted);
  return here.filter(({ node }) => turns.some((one) => equal(one, node))).map(({ party }) => party);
}
