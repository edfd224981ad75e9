import {
  type Group,
  type KeyShare,
  kinds,
  type Member,
  type NodeKey,
  type Party,
  type PublicPackage,
  pureAead,
  pureEd25519,
  pureNodeKey,
  renewal,
  type Scheme,
  type Secret,
  toHex,
  u32,
} from '@quorate/protocol';
import { type Scenario, seededBytes, simulatedSid, toyNodeKey, toySignatures } from '@quorate/protocol/simulation';
import { dealKey } from './dealt-key.ts';
import { receiveScalarOf, receiveSecretOf } from './key-generation.ts';

/** A node of a test's world: it keeps its number, and its node key, from epoch to epoch. */
export type NodeNumber = number;
export type Signatures = 'toy' | 'pure';

/** One epoch of a key, and the share of each node that has one. */
export interface HeldKey {
  readonly publicPackage: PublicPackage;
  readonly shares: ReadonlyMap<NodeNumber, Secret>;
}

export interface HeldKeyOptions {
  readonly group: Group;
  readonly scheme?: Scheme;
  readonly threshold: number;
  /** The parties of the key, in order. */
  readonly nodes: readonly NodeNumber[];
  readonly seed?: number;
  readonly signatures?: Signatures;
}

export interface RenewalOptions {
  readonly seed: number;
  readonly group: Group;
  readonly key: HeldKey;
  /** By their numbers in the old epoch. */
  readonly dealers: readonly Party[];
  /** The new committee; without it, a refresh. */
  readonly to?: { readonly nodes: readonly NodeNumber[]; readonly threshold: number };
  readonly epoch?: number;
  readonly signatures?: Signatures;
  /** What a seat believes otherwise than the rest. */
  readonly differs?: (seat: Party) => Partial<renewal.RenewalInput>;
}

const network = seededBytes(0, 'network');

export function nodeKeyOf(node: NodeNumber, signatures: Signatures = 'toy'): NodeKey {
  const seed = seededBytes(0, 'node', node);
  return signatures === 'pure' ? pureNodeKey(seed) : toyNodeKey(seed);
}

/** A key that was dealt to nodes, for renewals to begin with. */
export function heldKey({ group, threshold, nodes, ...rest }: HeldKeyOptions): HeldKey {
  const { scheme = 'ed25519', seed = 1, signatures = 'toy' } = rest;
  const parties = nodes.map((_, i) => i + 1);
  const dealt = dealKey({ group, scheme, threshold, parties, seed: u32(seed) });
  const publicPackage = { ...dealt.publicPackage, members: membersOf(nodes, signatures) };
  return { publicPackage, shares: new Map(nodes.map((node, i) => [node, (dealt.shares[i] as KeyShare).secret])) };
}

/** What the Start of a renewal fixes. */
export function renewalParametersOf(options: RenewalOptions): renewal.RenewalParameters {
  const { key, dealers, to, signatures } = options;
  const base = key.publicPackage;
  const { threshold, policyHash } = base;
  const epoch = options.epoch ?? base.epoch + 1;
  const members = to === undefined ? base.members : membersOf(to.nodes, signatures);
  const seats = renewal.seatsOf({ base, dealers, members });
  const session = sessionOf(
    options,
    seats.map(({ party }) => party),
  );
  return to === undefined
    ? renewal.refresh(session, { base, dealers, epoch })
    : renewal.reshare(session, { base, dealers, epoch, members, threshold: to.threshold ?? threshold, policyHash });
}

/** What a seat of that ceremony is given. */
export function renewalInputOf(options: RenewalOptions, me: Party): Omit<renewal.RenewalInput, 'randomness'> {
  const parameters = renewalParametersOf(options);
  const node = nodeAt(options, parameters, me);
  const secret = parameters.dealers.has(me) ? options.key.shares.get(node) : undefined;
  return { ...parameters, me, secret, receiveSecret: receiveSecretOf(options, me), ...options.differs?.(me) };
}

/** A simulated ceremony. */
export function renewing(options: RenewalOptions): Scenario<renewal.RenewalOutcome> {
  const parameters = renewalParametersOf(options);
  const { rounds, rules } = renewal.renewalCourt(parameters);
  return {
    seed: options.seed,
    parties: parameters.seats.map(({ party }) => party),
    kind: kinds.renew,
    signatures: options.signatures,
    nodes: nodesAt(options, parameters),
    rounds,
    rules,
    run: (me, randomness) => renewal.renew({ ...renewalInputOf(options, me), randomness }),
  };
}

/** The key as it is held after a renewal. */
export function heldAfter(options: RenewalOptions, outcomes: ReadonlyMap<Party, renewal.RenewalOutcome>): HeldKey {
  const parameters = renewalParametersOf(options);
  const shares = new Map<NodeNumber, Secret>();
  for (const [seat, { share }] of outcomes) {
    if (share !== undefined) shares.set(nodeAt(options, parameters, seat), share);
  }
  return { publicPackage: (outcomes.get(1) as renewal.RenewalOutcome).publicPackage, shares };
}

/** A session of this seed among these seats. */
export function sessionOf(
  { seed, group, signatures }: Pick<RenewalOptions, 'seed' | 'group' | 'signatures'>,
  seats: readonly Party[],
): renewal.RenewalSession {
  return {
    group,
    aead: pureAead,
    signatures: signatures === 'pure' ? pureEd25519 : toySignatures,
    network,
    sid: simulatedSid(seed),
    receiveKeys: new Map(seats.map((seat) => [seat, group.multiplyBase(receiveScalarOf({ seed, group }, seat))])),
  };
}

export function membersOf(nodes: readonly NodeNumber[], signatures?: Signatures): readonly Member[] {
  return nodes.map((node, i) => ({ party: i + 1, node: nodeKeyOf(node, signatures).publicKey }));
}

function nodesAt(options: RenewalOptions, parameters: renewal.RenewalParameters): ReadonlyMap<Party, NodeKey> {
  const { seats } = parameters;
  return new Map(seats.map(({ party }) => [party, nodeKeyOf(nodeAt(options, parameters, party), options.signatures)]));
}

function nodeAt(
  { key, to, signatures }: RenewalOptions,
  { seats }: renewal.RenewalParameters,
  seat: Party,
): NodeNumber {
  const wanted = toHex((seats[seat - 1] as Member).node);
  const known = [...key.shares.keys(), ...(to?.nodes ?? [])];
  const found = known.find((node) => toHex(nodeKeyOf(node, signatures).publicKey) === wanted);
  if (found === undefined) throw new Error(`nobody sits at ${seat}`);
  return found;
}
