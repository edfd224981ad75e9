import {
  type Court,
  equal,
  type Group,
  groupOf,
  keyIdOf,
  type Member,
  type Party,
  type PublicPackage,
  packageDigest,
  renewal,
  Secret,
  type Start,
  sessionId,
  toHex,
} from '@quorate/protocol';
import { limits } from '../limits.ts';
import { type ExportProposal, exportProposals } from '../policy/export-proposal.ts';
import { ruleFor } from '../policy/rights.ts';
import { type ProposalView, ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import type { Exported } from './jobs/export.ts';
import { publicPackageOf } from './packages.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { receiveKeysOf } from './registering.ts';
import { checkExpiry, usable } from './sign.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/** The private key, put together at the member that asks: where all operators switched that on, and each of them says yes. */
export class ExportTask implements Task {
  readonly kind = 'export';
  readonly effect = 'reveals';
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly roundDeadline: number = limits.keygenRound;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision: 'auto' | 'ask';
  readonly members: readonly Member[];
  readonly #proposal: ExportProposal;
  readonly #checked: Checked;
  readonly #workshop: Workshop;

  private constructor(body: Uint8Array, proposal: ExportProposal, checked: Checked, workshop: Workshop) {
    this.#proposal = proposal;
    this.#checked = checked;
    this.#workshop = workshop;
    this.id = exportProposals.digest(proposal);
    this.body = body;
    this.decision = checked.decision;
    this.members = checked.publicPackage.members.filter(({ party }) => proposal.signers.includes(party));
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`, `integrity`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: ExportTask }> {
    const proposal = decodeProposal(exportProposals, body);
    const { epoch, key, proposer } = proposal;
    const record = { request: toHex(exportProposals.digest(proposal)), key, epoch, node: toHex(proposer), from };
    const checked = await judged('export', record, workshop, () => check(proposal, workshop));
    return { task: new ExportTask(body, proposal, checked, workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(exportProposals, body);
  }

  get digest(): Uint8Array {
    return this.id;
  }

  get keyName(): string {
    return this.#proposal.key;
  }

  get keyId(): Uint8Array {
    return this.#checked.publicPackage.keyId;
  }

  get epoch(): number {
    return this.#proposal.epoch;
  }

  /** One member has a key put together once at a time; nothing is kept of one that is given up, wherever it is. */
  get rival(): string {
    return `export/${this.keyName}/${this.#checked.asker}`;
  }

  yieldsTo(newer: Task): boolean {
    return newer.expires >= this.expires;
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

  get receives(): Group {
    return groupOf(this.#checked.publicPackage.scheme, this.#workshop.tools.groups);
  }

  get shown(): ProposalView {
    const { expires, proposer } = this.#proposal;
    const { purpose, scheme, threshold } = this.#checked.publicPackage;
    const { nameOf } = this.#workshop;
    const members = this.members.map(({ node }) => nameOf(node));
    const { length: parties } = this.#checked.publicPackage.members;
    const who = nameOf(proposer);
    const meaning = `${who} gets the whole private key of ${this.keyName}, and whoever has it signs alone, for ever: no refresh changes that`;
    return { proposer: who, scheme, purpose, threshold, members, expires, parties, meaning };
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { aead, signatures } = this.#workshop.tools;
    const group = this.receives;
    const { network, signers } = this.#proposal;
    const { asker, publicPackage } = this.#checked;
    const session = { group, aead, signatures, network, sid: sessionId(start) };
    return renewal.exportCourt({ ...session, receiveKeys: receiveKeysOf(start, group), publicPackage, signers, asker });
  }

  /**
   * Marks the key as exported, for ever, before anything of it leaves this node.
   * @throws {ServiceError} `expired`, `denied`, `key-unknown`, `integrity`
   */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for an export has a receive key');
    const { audit, clock, keys } = this.#workshop;
    const { network, signers } = this.#proposal;
    const { asker, encoded, publicPackage } = this.#checked;
    const current = usable(keys.get(this.keyId), this.keyName);
    if (!equal(current.publicPackage, encoded))
      throw new ServiceError('expired', `the key ${this.keyName} has moved on to another epoch`);
    const record = { request: toHex(this.id), key: this.keyName, epoch: this.epoch, party: asker };
    await audit.append(clock.now(), 'key-exported', record);
    await keys.markExported(this.keyId);
    using share = await keys.share(this.keyId, this.epoch);
    return this.#workshop.host('export', {
      network,
      sid,
      me,
      scheme: publicPackage.scheme,
      publicPackage: encoded,
      signers,
      asker,
      share: share.use((bytes) => bytes.slice()),
      receiveKeys: start.participants.map(({ registration }) => registration.receiveKey),
      receiveSecret,
    });
  }

  /** Keeps the key for whoever fetches it, for a moment. */
  complete(output: unknown): Promise<TaskOutcome> {
    const { clock, exports } = this.#workshop;
    const { key } = output as Exported;
    if (key !== undefined) {
      exports.keep(this.id, new Secret(key));
      clock.after(limits.exportKept, () => exports.drop(this.id));
    }
    const publicKey = toHex(this.#workshop.publicKeyOf(this.keyId, this.epoch));
    return Promise.resolve({ type: 'finished', result: { type: 'key', publicKey, epoch: this.epoch } });
  }
}

interface Checked {
  /** Of the epoch in use. */
  readonly publicPackage: PublicPackage;
  readonly encoded: Uint8Array;
  readonly asker: Party;
  readonly decision: 'auto' | 'ask';
}

function check(proposal: ExportProposal, workshop: Workshop): Checked {
  const { bans, clock, config, key, keys, tools } = workshop;
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  const { digest, key: name, network, proposer, signers } = proposal;
  if (!equal(network, config.networkId)) throw denied('the proposal is for another network');
  if (!exportProposals.verify(proposal, tools.signatures))
    throw denied('the proposal is not signed by the member it names');
  checkExpiry(proposal.expires, clock.now());
  if (config.export !== 'enabled') throw denied('this node gives away no shares; see `export` in node.yaml');
  const current = usable(keys.get(keyIdOf(config.networkId, name)), name);
  const encoded = current.publicPackage;
  if (proposal.epoch !== current.epoch || !equal(digest, packageDigest(network, encoded)))
    throw denied(`the key ${name} is in epoch ${current.epoch} here, and the export is of another`);
  const publicPackage = publicPackageOf(groupOf(current.scheme, tools.groups), encoded);
  const asker = publicPackage.members.find(({ node }) => equal(node, proposer))?.party;
  if (asker === undefined) throw denied('the proposer has no share of this key');
  const ascending = signers.every((party, i) => party > (signers[i - 1] ?? 0));
  const seated = publicPackage.members.filter(({ party }) => signers.includes(party));
  const isQuorum = ascending && seated.length === signers.length && signers.length >= publicPackage.threshold;
  if (!isQuorum || !signers.includes(asker))
    throw new ServiceError('invalid', 'those who take part are no quorum of the committee with who asks');
  if (!seated.some(({ node }) => equal(node, key.publicKey)))
    throw new ServiceError('invalid', 'this node does not take part');
  const common = { publicPackage, encoded, asker };
  if (equal(proposer, key.publicKey)) return { ...common, decision: 'auto' };
  const member = workshop.members().find(({ node }) => equal(node, proposer));
  if (member === undefined) throw denied('the proposer is not in the roster of this node');
  if (bans.has(proposer)) throw denied(`${member.name} is banned here; quorate peers unban ${member.name} lifts it`);
  if (ruleFor(member.name, config) === 'deny')
    throw denied(`this node gives ${member.name} no share; see \`accept\` in node.yaml`);
  // Whatever the rules say of other ceremonies: nobody gives the key away without an operator's word.
  return { ...common, decision: 'ask' };
}
