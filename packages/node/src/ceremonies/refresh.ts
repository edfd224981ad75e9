import {
  type Court,
  equal,
  type Group,
  groupOf,
  keyIdOf,
  type Member,
  type Party,
  type PublicPackage,
  renewal,
  type Start,
  sessionId,
  toHex,
} from '@quorate/protocol';
import type { KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import { type RefreshProposal, refreshProposals } from '../policy/refresh-proposal.ts';
import { ServiceError } from '../service.ts';
import { checkNumber, highestOf } from './epoch-numbers.ts';
import type { Host } from './host.ts';
import type { KeygenOutput } from './jobs/keygen.ts';
import { withPairSetup } from './multiplying.ts';
import { type Attempt, checkCurrent } from './overtaking.ts';
import { publicPackageOf } from './packages.ts';
import { keepPrepared } from './prepared.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { proofOfLife } from './proving.ts';
import { receiveKeysOf } from './registering.ts';
import { isUnchanged } from './reshare-plan.ts';
import { checkExpiry, usable } from './sign.ts';
import type { Proof, Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/**
 * New shares of a key for its committee, as one member sees it. The old epoch signs until the new one is certified: this ends
 * with PREPARED, and `activations.ts` decides.
 */
export class RefreshTask implements Task {
  readonly kind = 'renew';
  readonly effect = 'renews';
  readonly decision = 'auto';
  readonly shown = undefined;
  /** New pairs tell nobody anything of old ones. */
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly keyId: Uint8Array;
  readonly #proposal: RefreshProposal;
  readonly #base: PublicPackage;
  readonly #highest: number;
  readonly #workshop: Workshop;

  private constructor(
    body: Uint8Array,
    proposal: RefreshProposal,
    { base, highest }: Omit<Attempt, 'epoch'>,
    workshop: Workshop,
  ) {
    this.#proposal = proposal;
    this.#base = base;
    this.#highest = highest;
    this.#workshop = workshop;
    this.id = refreshProposals.digest(proposal);
    this.body = body;
    this.keyId = base.keyId;
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: RefreshTask }> {
    const proposal = decodeProposal(refreshProposals, body);
    const { baseEpoch, epoch, key } = proposal;
    const record = { request: toHex(refreshProposals.digest(proposal)), key, base: baseEpoch, epoch, from };
    const judge = () => {
      const base = check(proposal, workshop);
      return { base, highest: highestOf(workshop.keys.get(base.keyId)), decision: 'auto' as const };
    };
    return { task: new RefreshTask(body, proposal, await judged('refresh', record, workshop, judge), workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(refreshProposals, body);
  }

  get digest(): Uint8Array {
    return this.id;
  }

  get keyName(): string {
    return this.#proposal.key;
  }

  get epoch(): number {
    return this.#proposal.epoch;
  }

  get base(): number {
    return this.#base.epoch;
  }

  get members(): readonly Member[] {
    return this.#base.members;
  }

  get need(): number {
    return this.members.length;
  }

  get expires(): number {
    return this.#proposal.expires;
  }

  get proposer(): Uint8Array {
    return this.#proposal.proposer;
  }

  /** By a reshare; and by its proposer's next one, every few seconds at most: each is looked at and written down. */
  isOutdoneBy(newer: Task): boolean {
    if (newer.keyName !== this.keyName || newer.kind !== 'renew') return false;
    if (!(newer instanceof RefreshTask)) return true;
    return equal(newer.proposer, this.proposer) && newer.expires >= this.expires + limits.refreshPause;
  }

  get receives(): Group {
    return groupOf(this.#base.scheme, this.#workshop.tools.groups);
  }

  get roundDeadline(): number {
    return this.#base.scheme === 'ecdsa' ? limits.pairSetupRound : limits.keygenRound;
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { aead, signatures } = this.#workshop.tools;
    const group = this.receives;
    const sid = sessionId(start);
    const receiveKeys = receiveKeysOf(start, group);
    const session = { group, aead, signatures, network: this.#proposal.network, sid, receiveKeys };
    const { dealers, epoch } = this.#proposal;
    const court = renewal.renewalCourt(renewal.refresh(session, { base: this.#base, dealers, epoch }));
    return withPairSetup(court, this.#base.scheme, { ...session, members: this.members });
  }

  /** @throws {ServiceError} `expired`, `denied`, `key-unknown` */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for a refresh has a receive key');
    const { keys, stock } = this.#workshop;
    const { baseEpoch, dealers, epoch, key, network } = this.#proposal;
    this.expectCurrent();
    const current = usable(keys.get(this.keyId), key);
    using share = dealers.includes(me) ? await keys.share(this.keyId, baseEpoch) : undefined;
    const others = this.#base.scheme === 'ecdsa' ? this.members.filter(({ party }) => party !== me) : [];
    return this.#workshop.host('refresh', {
      network,
      sid,
      me,
      scheme: this.#base.scheme,
      base: current.publicPackage,
      dealers,
      epoch,
      share: share?.use((bytes) => bytes.slice()),
      receiveKeys: start.participants.map(({ registration }) => registration.receiveKey),
      receiveSecret,
      stock: others.map(({ party, node }) => ({ party, ...stock.take(node) })),
    });
  }

  /** All sign once with their new shares, before anybody says READY: then none of them is dead, or another's. */
  proof(output: unknown, session: TaskSession): Proof {
    const { network } = this.#proposal;
    const of = { members: this.members, network, scheme: this.#base.scheme };
    return proofOfLife(output as KeygenOutput, of, session, this.#workshop);
  }

  comesTo({ baseEpoch, ...next }: Pick<PublicPackage, 'baseEpoch' | 'members' | 'threshold'>): boolean {
    return baseEpoch === this.base && isUnchanged(this.#base, next);
  }

  expectCurrent(): void {
    checkCurrent({ base: this.#base, epoch: this.epoch, highest: this.#highest }, this.#workshop);
  }

  /** Makes the epoch PREPARED: on disk, read back, checked. */
  async complete(output: unknown, { me }: TaskSession): Promise<TaskOutcome> {
    return await keepPrepared(this, this.#base, output as KeygenOutput, me, this.#workshop);
  }
}

/** The package that is dealt from. A refresh asks no operator: it changes nothing but the shares, and never on top of another. */
function check(proposal: RefreshProposal, { clock, config, keys, standings, tools }: Workshop): PublicPackage {
  const invalid = (reason: string): ServiceError => new ServiceError('invalid', reason);
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  const { baseEpoch, dealers, epoch, key: name, network, proposer } = proposal;
  if (!equal(network, config.networkId)) throw denied('the proposal is for another network');
  if (!refreshProposals.verify(proposal, tools.signatures))
    throw denied('the proposal is not signed by the member it names');
  checkExpiry(proposal.expires, clock.now());
  const key = keys.get(keyIdOf(config.networkId, name));
  const current = usable(key, name);
  const base = publicPackageOf(groupOf(current.scheme, tools.groups), current.publicPackage);
  if (!base.members.some(({ node }) => equal(node, proposer))) throw denied('the proposer has no share of this key');
  if (baseEpoch !== current.epoch) throw denied(`the key ${name} is in epoch ${current.epoch} here`);
  checkNumber(epoch, name, Math.max(highestOf(key), standings.floor), clock.now());
  if (wasJustDealt(key, clock.now())) {
    throw new ServiceError('busy', 'the shares of the key were dealt a moment ago: try again in some seconds');
  }
  const stuck = whyStuck(key);
  if (stuck !== undefined) throw denied(stuck);
  const quorum = dealers.length >= base.threshold && dealers.every((party, i) => party > (dealers[i - 1] ?? 0));
  if (!quorum || !dealers.every((party) => base.members.some((member) => member.party === party))) {
    throw invalid('the dealers are no quorum of the committee');
  }
  return base;
}

/** Why no more is tried without an operator, if it is so. */
export function whyStuck(key: KeyInfo | undefined): string | undefined {
  if (key === undefined || key.attempts < limits.uncertifiedAttempts) return undefined;
  return `${key.attempts} attempts at renewing ${key.name} were never certified: somebody withholds READY; reshare it without them, or to the same members if all is well`;
}

/** Whether the epoch in use is of a moment ago. One of a time to come was made while this clock was ahead: nobody knows how old it is. */
export function wasJustDealt(key: KeyInfo | undefined, now: number): boolean {
  const age = now - (key?.current?.createdAt ?? 0);
  return age >= 0 && age < limits.refreshPause;
}
