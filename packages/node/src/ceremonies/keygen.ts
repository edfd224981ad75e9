import {
  type Court,
  compare,
  type DkgParameters,
  dkgRounds,
  dkgRules,
  equal,
  type Group,
  groupOf,
  keyIdOf,
  type Party,
  type Start,
  sessionId,
  toHex,
  wire,
} from '@quorate/protocol';

import { limits } from '../limits.ts';
import { type KeygenProposal, type KeygenTerms, keygenProposals } from '../policy/keygen-proposal.ts';
import { matches, ruleFor } from '../policy/rights.ts';
import { type ProposalView, ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import type { KeygenOutput } from './jobs/keygen.ts';
import { withPairSetup } from './multiplying.ts';
import { keepPrepared } from './prepared.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { receiveKeysOf } from './registering.ts';
import { checkExpiry } from './sign.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/** A key that a member proposed, as one member of its committee sees it. */
export class KeygenTask implements Task {
  readonly kind = 'keygen';
  readonly effect = 'makes';
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision: 'auto' | 'ask';
  /** A new set-up tells nobody anything of an old one. */
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  get roundDeadline(): number {
    return this.proposal.scheme === 'ecdsa' ? limits.pairSetupRound : limits.keygenRound;
  }

  readonly proposal: KeygenProposal;
  readonly keyId: Uint8Array;
  readonly #workshop: Workshop;

  private constructor(proposal: KeygenProposal, decision: 'auto' | 'ask', workshop: Workshop) {
    this.proposal = proposal;
    this.decision = decision;
    this.#workshop = workshop;
    this.id = keygenProposals.digest(proposal);
    this.body = wire.encode(keygenProposals.codec, proposal);
    this.keyId = keyIdOf(proposal.network, proposal.name);
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `name-taken`, `expired`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: KeygenTask }> {
    const proposal = decodeProposal(keygenProposals, body);
    const record = {
      request: toHex(keygenProposals.digest(proposal)),
      key: proposal.name,
      scheme: proposal.scheme,
      threshold: proposal.threshold,
      members: proposal.members.length,
      from,
    };
    const { decision } = await judged('keygen', record, workshop, () => ({ decision: check(proposal, workshop) }));
    return { task: new KeygenTask(proposal, decision, workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(keygenProposals, body);
  }

  get digest(): Uint8Array {
    return this.id;
  }

  get keyName(): string {
    return this.proposal.name;
  }

  get epoch(): number {
    return this.proposal.epoch;
  }

  get members(): KeygenProposal['members'] {
    return this.proposal.members;
  }

  get need(): number {
    return this.members.length;
  }

  get expires(): number {
    return this.proposal.expires;
  }

  get proposer(): Uint8Array {
    return this.proposal.proposer;
  }

  get receives(): Group {
    return groupOf(this.proposal.scheme, this.#workshop.tools.groups);
  }

  get shown(): ProposalView {
    const { expires, members, proposer, purpose, scheme, threshold } = this.proposal;
    const { nameOf } = this.#workshop;
    return {
      proposer: nameOf(proposer),
      scheme,
      purpose,
      threshold,
      trade: tradeOf(threshold, members.length),
      members: members.map(({ node }) => nameOf(node)),
      expires,
    };
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const group = this.receives;
    const { scheme, threshold } = this.proposal;
    const parameters = this.#parameters(start);
    const court = { rounds: dkgRounds(group, threshold), rules: dkgRules(parameters) };
    return withPairSetup(court, scheme, parameters);
  }

  host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a keygen registration has a receive key');
    const { members, network, scheme, threshold } = this.proposal;
    const receiveKeys = start.participants.map(({ registration }) => registration.receiveKey);
    const common = { network, sid, me, members, threshold, receiveKeys, statement: this.#statement() };
    const others = scheme === 'ecdsa' ? members.filter(({ party }) => party !== me) : [];
    const stock = others.map(({ party, node }) => ({ party, ...this.#workshop.stock.take(node) }));
    return Promise.resolve(this.#workshop.host('keygen', { ...common, receiveSecret, stock }));
  }

  /** Makes the epoch PREPARED: on disk, read back, checked. From here on the share is never forgotten on a timeout. */
  async complete(output: unknown, { me }: TaskSession): Promise<TaskOutcome> {
    const { keyId, epoch } = this;
    const { name, scheme } = this.proposal;
    const { epochs = [] } = this.#workshop.keys.get(keyId) ?? {};
    if (epochs.some((other) => other.epoch !== epoch)) throw takenName(name);
    return await keepPrepared(this, { keyId, name, scheme }, output as KeygenOutput, me, this.#workshop);
  }

  #statement() {
    const { name, purpose, scheme, epoch, tweak } = this.proposal;
    return {
      scheme,
      keyId: this.keyId,
      name,
      purpose,
      epoch,
      baseEpoch: 0,
      tweak,
      policyHash: new Uint8Array(32),
    };
  }

  #parameters(start: Start): DkgParameters {
    const { members, network, threshold } = this.proposal;
    const { aead, signatures } = this.#workshop.tools;
    const group = this.receives;
    const receiveKeys = receiveKeysOf(start, group);
    const sid = sessionId(start);
    return { group, aead, signatures, network, sid, members, threshold, receiveKeys, statement: this.#statement() };
  }
}

function check(proposal: KeygenProposal, workshop: Workshop): 'auto' | 'ask' {
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  const { signatures } = workshop.tools;
  if (!keygenProposals.verify(proposal, signatures)) throw denied('the proposal is not signed by the member it names');
  return checkTerms(proposal, workshop);
}

/**
 * What a node asks of every key that is proposed, once it knows who proposes it.
 * @throws {ServiceError} `invalid`, `denied`, `name-taken`, `expired`
 */
export function checkTerms(proposal: KeygenTerms, workshop: Workshop): 'auto' | 'ask' {
  const { config, clock, key, keys } = workshop;
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  if (!equal(proposal.network, config.networkId)) throw denied('the proposal is for another network');
  const known = workshop.members();
  const proposer = known.find(({ node }) => equal(node, proposal.proposer));
  if (proposer === undefined) throw denied('the proposer is not in the roster of this node');
  checkScheme(proposal);
  checkCommittee(
    proposal,
    known.map(({ node }) => node),
  );
  if (!proposal.members.some(({ node }) => equal(node, key.publicKey))) {
    throw new ServiceError('invalid', 'this node is not in the committee');
  }
  checkExpiry(proposal.expires, clock.now());
  if (!config.purposes.some((pattern) => matches(pattern, proposal.purpose))) {
    throw denied(`this node holds no keys for ${proposal.purpose}; see \`purposes\` in node.yaml`);
  }
  const keyId = keyIdOf(config.networkId, proposal.name);
  const existing = keys.get(keyId);
  if (existing?.current !== undefined) throw new ServiceError('name-taken', `there is a key ${proposal.name} already`);
  if (existing !== undefined) throw takenName(proposal.name);
  const lost = workshop.standings.lostShare(keyId, 0);
  if (lost !== undefined)
    throw new ServiceError('name-taken', `there is a key ${proposal.name} already, though not here: ${lost}`);
  if (proposal.epoch < 1 || proposal.epoch > limits.attempts)
    throw new ServiceError('invalid', 'attempts are numbered from 1, and no key needs so many');
  const own = equal(proposal.proposer, key.publicKey);
  const rule = own ? 'auto' : ruleFor(proposer.name, config);
  if (rule === 'deny') throw denied(`this node takes part in no keygen that ${proposer.name} proposes`);
  return rule;
}

/**
 * Each attempt makes another key, and a prepared one may be certified at any later time, by a READY that was held back. So
 * a member signs READY for one attempt at a name, ever: then at most one key of that name can come to be.
 */
export function takenName(name: string): ServiceError {
  return new ServiceError(
    'name-taken',
    `an attempt at the key ${name} is prepared here and may still come to be: wait for its members, or use another name`,
  );
}

/** What this node can sign with, and no spending path that the proposer alone knows. */
function checkScheme({ scheme, tweak }: KeygenTerms): void {
  const expected = scheme === 'taproot' ? 'key-path-only' : 'none';
  if (tweak.type !== expected)
    throw new ServiceError('invalid', `a new key of scheme ${scheme} has the tweak ${expected}`);
}

/**
 * Parties 1..n played by distinct members of the roster, and a threshold that means something.
 * @throws {ServiceError} `invalid`
 */
export function checkCommittee(
  { members, threshold, lowThreshold }: Pick<KeygenTerms, 'members' | 'threshold' | 'lowThreshold'>,
  known: readonly Uint8Array[],
): void {
  const invalid = (reason: string): ServiceError => new ServiceError('invalid', reason);
  const n = members.length;
  if (members.some(({ party }, i) => party !== i + 1)) throw invalid('parties are not numbered 1 to n');
  if (members.some(({ node }, i) => i > 0 && compare(node, members[i - 1]?.node ?? node) <= 0)) {
    throw invalid('members are not distinct and in the order of their node keys');
  }
  if (members.some(({ node }) => !known.some((one) => equal(one, node)))) {
    throw invalid('a member is not in the roster of this node; see `quorate roster check`');
  }
  if (threshold < 2 || threshold > n) throw invalid('the threshold is at least 2 and at most the number of members');
  if (threshold < majority(n) && lowThreshold !== 1) {
    throw invalid(
      `with a threshold of ${threshold} of ${n}, ${threshold} corrupt members forge although they are a minority; ` +
        `use ${majority(n)} or more, or --allow-low-threshold`,
    );
  }
}

/** What a threshold of t of n means, in a sentence: how many may fail, and how many forge. */
export function meaningOf(threshold: number, n: number): string {
  const away = `${n - threshold || 'none'} may be away`;
  const few = n < 2 * threshold - 1 ? `, fewer than the ${threshold - 1} that may be corrupt` : '';
  const minority = threshold < majority(n) ? ', although they are a minority' : '';
  return `${threshold} of ${n} sign: ${away}${few}, and any ${threshold} that are corrupt can forge${minority}`;
}

/** {@link meaningOf} it, where it gives up one for the other: with n = 2t − 1 or 2t nothing is. */
export function tradeOf(threshold: number, n: number): string | undefined {
  return n < 2 * threshold - 1 || threshold < majority(n) ? meaningOf(threshold, n) : undefined;
}

/** ⌊(n − 1) / 2⌋ + 1: the least threshold that a minority cannot reach. */
export function majority(n: number): number {
  return Math.floor((n - 1) / 2) + 1;
}
