import {
  CertificateError,
  equal,
  frost,
  groupOf,
  keyIdOf,
  type PublicPackage,
  renewal,
  toHex,
  verifyCertificate,
} from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { type ReshareProposal, reshareProposals } from '../policy/reshare-proposal.ts';
import { matches, ruleFor } from '../policy/rights.ts';
import { ServiceError } from '../service.ts';
import { contextOf } from './certified.ts';
import { checkNumber, highestOf } from './epoch-numbers.ts';
import { checkCommittee } from './keygen.ts';
import { epochOf, headerOf, packageOf } from './packages.ts';
import { wasJustDealt, whyStuck } from './refresh.ts';
import { isUnchanged } from './reshare-plan.ts';
import { checkExpiry, usable } from './sign.ts';
import type { Workshop } from './task.ts';

/** What a proposal comes to at this node. */
export interface Approved {
  /** The package that is dealt from. */
  readonly base: PublicPackage;
  /** The highest number of the key that is known at this moment. */
  readonly highest: number;
  /** Everybody who takes part: the new members at their new numbers, then those who deal and leave. */
  readonly seats: readonly renewal.Seat[];
  readonly decision: 'auto' | 'ask';
  /** This node joins, and nobody has told it the public key: its operator has to. */
  readonly isUnpinned: boolean;
}

const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
const invalid = (reason: string): ServiceError => new ServiceError('invalid', reason);

/**
 * Whether this node takes part in what is proposed, by its own rules.
 * @param last who proposed the reshare that the epoch in use came of, if that is known
 * @throws {ServiceError} `invalid`, `denied`, `expired`, `key-unknown`, `name-taken`, `wrong-key`
 */
export function checkReshare(proposal: ReshareProposal, workshop: Workshop, last?: Uint8Array): Approved {
  const { clock, config, key: own, keys, tools } = workshop;
  const { epoch, key: name } = proposal;
  if (!reshareProposals.verify(proposal, tools.signatures))
    throw denied('the proposal is not signed by the member it names');
  checkExpiry(proposal.expires, clock.now());
  const base = baseOf(proposal, workshop);
  const key = keys.get(base.keyId);
  const isHolder = base.members.some(({ node }) => equal(node, own.publicKey));
  if (isHolder || key?.current !== undefined) checkHeld(key, proposal, workshop, last);
  else if (key !== undefined) checkKnown(key, base, workshop);
  if (!base.members.some(({ node }) => equal(node, proposal.proposer))) {
    throw denied('the proposer has no share of this key');
  }
  const highest = Math.max(base.epoch, highestOf(key));
  checkNumber(epoch, name, Math.max(highest, workshop.standings.floor), clock.now());

  const known = workshop.members();
  checkCommittee(
    proposal,
    known.map(({ node }) => node),
  );
  const seats = seatsOf(proposal, base, workshop);
  if (!seats.some(({ node }) => equal(node, own.publicKey))) throw invalid('this node has no part in it');
  if (!isHolder && !config.purposes.some((pattern) => matches(pattern, base.purpose))) {
    throw denied(`this node holds no keys for ${base.purpose}; see \`purposes\` in node.yaml`);
  }
  const pin = isHolder ? undefined : config.pins[name];
  if (pin !== undefined && pin !== publicKeyOf(base, workshop)) {
    throw new ServiceError('wrong-key', `the public key of ${name} is not the one under \`pins\` in node.yaml`);
  }
  const decision = decide(proposal, whyStuck(key) !== undefined, workshop);
  return { base, highest, seats, decision, isUnpinned: decision === 'ask' && !isHolder && pin === undefined };
}

/** The key as verifiers see it, lower-case hex. */
export function publicKeyOf(base: PublicPackage, { tools }: Workshop): string {
  return toHex(frost.outputKey(frost.suiteOf(base.scheme, tools.groups), base));
}

/** The package that the proposal's certificate certifies. Who joins trusts it as far as it trusts the public key. */
function baseOf({ base: certificate, key }: ReshareProposal, workshop: Workshop): PublicPackage {
  try {
    const base = verifyCertificate(certificate, contextOf(workshop));
    if (base.name === key && equal(base.keyId, keyIdOf(workshop.config.networkId, key))) return base;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
  }
  throw denied(`the proposal does not certify an epoch of the key ${key}`);
}

/** Who has a share deals from the epoch in use, or sees it dealt from, and from no other. */
function checkHeld(
  key: KeyInfo | undefined,
  { base, key: name, members }: ReshareProposal,
  { clock }: Workshop,
  last: Uint8Array | undefined,
): void {
  const current = usable(key, name);
  if (!equal(current.publicPackage, base.publicPackage)) {
    throw denied(`the key ${name} is in epoch ${current.epoch} here, with other shares`);
  }
  // Whoever refreshed all the time would never be left behind, nor whoever reshared.
  const leavesOut = last !== undefined && !members.some(({ node }) => equal(node, last));
  if (wasJustDealt(key, clock.now()) && !wasRefreshed(key, current) && !leavesOut) {
    throw new ServiceError('busy', 'the shares of the key were dealt a moment ago: try again in some seconds');
  }
}

/** Whether an epoch has the committee of the one before it, as far as that one is known here. */
function wasRefreshed(key: KeyInfo | undefined, { publicPackage }: Pick<EpochInfo, 'publicPackage'>): boolean {
  const next = headerOf(publicPackage);
  const base = epochOf(key, next.baseEpoch);
  return base !== undefined && isUnchanged(headerOf(base.publicPackage), next);
}

/** Who held the key before, or was to, joins the same key, and never an epoch before one that is known. */
function checkKnown(key: KeyInfo, base: PublicPackage, { tools }: Workshop): void {
  if (key.quarantined !== undefined) usable(key, base.name);
  const group = groupOf(base.scheme, tools.groups);
  const last = key.epochs.findLast(({ state }) => state === 'elsewhere');
  const isStale = last !== undefined && base.epoch < last.epoch;
  if (isStale) throw denied(`epoch ${last.epoch} of the key ${key.name} is known here already: numbers only rise`);
  const isSame = key.scheme === base.scheme;
  if (!isSame || !key.epochs.every((one) => group.equals(packageOf(key, one, tools).groupKey, base.groupKey))) {
    throw new ServiceError('name-taken', `this node knows another key ${key.name}`);
  }
}

/** Everything that the protocol asks: who joins has the package of others, who may have made it up. @throws {ServiceError} `invalid` */
function seatsOf(proposal: ReshareProposal, base: PublicPackage, { tools }: Workshop): readonly renewal.Seat[] {
  try {
    return renewal.checkReshare(groupOf(base.scheme, tools.groups), { ...proposal, base });
  } catch (error) {
    if (error instanceof renewal.RenewalInputError) throw invalid(error.message);
    throw error;
  }
}

/** By the rules for proposers; what a minority reaches, or was tried too often, is always the operator's to accept. */
function decide(
  { lowThreshold, proposer: node }: ReshareProposal,
  isStuck: boolean,
  { config, key, members }: Workshop,
): 'auto' | 'ask' {
  if (equal(node, key.publicKey)) return 'auto';
  const proposer = members().find((one) => equal(one.node, node));
  if (proposer === undefined) throw denied('the proposer is not in the roster of this node');
  const rule = ruleFor(proposer.name, config);
  if (rule === 'deny') throw denied(`this node takes part in no reshare that ${proposer.name} proposes`);
  return lowThreshold === 1 || isStuck ? 'ask' : rule;
}
