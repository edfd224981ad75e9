import {
  type Court,
  equal,
  type Group,
  groupOf,
  keyIdOf,
  type Member,
  type Party,
  type Point,
  renewal,
  type Start,
  sessionId,
  toHex,
  tryDecode,
  wire,
} from '@quorate/protocol';
import { limits } from '../limits.ts';
import { type ImportProposal, importedPolicy, importProposals } from '../policy/import-proposal.ts';
import { type ProposalView, ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import type { KeygenOutput } from './jobs/keygen.ts';
import { checkTerms, takenName, tradeOf } from './keygen.ts';
import { withPairSetup } from './multiplying.ts';
import { keepPrepared } from './prepared.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { proofOfLife } from './proving.ts';
import { receiveKeysOf } from './registering.ts';
import type { Proof, Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/** A key that the proposer knows, shared out among a committee of which it is a member. */
export class ImportTask implements Task {
  readonly kind = 'import';
  readonly effect = 'makes';
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision: 'auto' | 'ask';
  readonly proposal: ImportProposal;
  readonly keyId: Uint8Array;
  readonly #groupKey: Point;
  readonly #workshop: Workshop;

  private constructor(body: Uint8Array, proposal: ImportProposal, checked: Checked, workshop: Workshop) {
    this.proposal = proposal;
    this.body = body;
    this.decision = checked.decision;
    this.#groupKey = checked.groupKey;
    this.#workshop = workshop;
    this.id = importProposals.digest(proposal);
    this.keyId = keyIdOf(proposal.network, proposal.name);
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `name-taken`, `expired`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: ImportTask }> {
    const proposal = decodeProposal(importProposals, body);
    const { members, name, scheme, threshold } = proposal;
    const request = toHex(importProposals.digest(proposal));
    const record = { request, key: name, scheme, threshold, members: members.length, from };
    const checked = await judged('import', record, workshop, () => check(proposal, workshop));
    return { task: new ImportTask(body, proposal, checked, workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(importProposals, body);
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

  get members(): readonly Member[] {
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

  get roundDeadline(): number {
    return this.proposal.scheme === 'ecdsa' ? limits.pairSetupRound : limits.keygenRound;
  }

  get shown(): ProposalView {
    const { expires, members, proposer, purpose, scheme, threshold } = this.proposal;
    const { nameOf } = this.#workshop;
    const names = members.map(({ node }) => nameOf(node));
    const trade = tradeOf(threshold, members.length);
    return { proposer: nameOf(proposer), scheme, purpose, threshold, trade, members: names, expires };
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { aead, signatures } = this.#workshop.tools;
    const { members, network, scheme } = this.proposal;
    const group = this.receives;
    const sid = sessionId(start);
    const receiveKeys = receiveKeysOf(start, group);
    const session = { group, aead, signatures, network, sid, receiveKeys };
    const court = renewal.renewalCourt(renewal.importKey(session, this.#plan()));
    return withPairSetup(court, scheme, { ...session, members });
  }

  /** @throws {ServiceError} `expired` if the key is not here any more */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for an import has a receive key');
    const { groupKey, members, network, proposer, scheme } = this.proposal;
    const deals = members.some(({ party, node }) => party === me && equal(node, proposer));
    using secret = deals ? this.#workshop.imports.take(this.id) : undefined;
    if (deals && secret === undefined)
      throw new ServiceError('expired', 'the key is not here any more: import it again');
    const { groupKey: _, ...statement } = this.#plan().statement;
    const others = scheme === 'ecdsa' ? members.filter(({ party }) => party !== me) : [];
    return await Promise.resolve(
      this.#workshop.host('import', {
        network,
        sid,
        me,
        members,
        threshold: this.proposal.threshold,
        dealer: proposer,
        statement,
        groupKey,
        secret: secret?.use((bytes) => bytes.slice()),
        receiveKeys: start.participants.map(({ registration }) => registration.receiveKey),
        receiveSecret,
        stock: others.map(({ party, node }) => ({ party, ...this.#workshop.stock.take(node) })),
      }),
    );
  }

  /** All sign once with their shares, before anybody says READY. */
  proof(output: unknown, session: TaskSession): Proof {
    return proofOfLife(output as KeygenOutput, this.proposal, session, this.#workshop);
  }

  /** Makes the epoch PREPARED: on disk, read back, checked. */
  async complete(output: unknown, { me }: TaskSession): Promise<TaskOutcome> {
    const { epoch, keyId } = this;
    const { name, scheme } = this.proposal;
    const { epochs = [] } = this.#workshop.keys.get(keyId) ?? {};
    if (epochs.some((other) => other.epoch !== epoch)) throw takenName(name);
    return await keepPrepared(this, { keyId, name, scheme }, output as KeygenOutput, me, this.#workshop);
  }

  #plan(): renewal.Import {
    const { chainCode, epoch, members, name, proposer, purpose, scheme, threshold, tweak } = this.proposal;
    const { keyId } = this;
    const settled = { scheme, keyId, name, purpose, epoch, baseEpoch: 0, tweak, policyHash: importedPolicy };
    return { statement: { ...settled, groupKey: this.#groupKey, chainCode }, members, threshold, dealer: proposer };
  }
}

interface Checked {
  readonly decision: 'auto' | 'ask';
  readonly groupKey: Point;
}

function check(proposal: ImportProposal, workshop: Workshop): Checked {
  const { groups, signatures } = workshop.tools;
  const { groupKey: encoded, members, proposer, scheme } = proposal;
  if (!importProposals.verify(proposal, signatures))
    throw new ServiceError('denied', 'the proposal is not signed by the member it names');
  if (!members.some(({ node }) => equal(node, proposer)))
    throw new ServiceError('invalid', 'whoever imports a key is one of its members');
  const decision = checkTerms(proposal, workshop);
  const groupKey = tryDecode(wire.point(groupOf(scheme, groups)), encoded)?.value;
  if (groupKey === undefined) throw new ServiceError('invalid', 'the public key is no point of its group');
  return { decision, groupKey };
}
