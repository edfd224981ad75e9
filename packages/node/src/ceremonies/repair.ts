import {
  CertificateError,
  type Court,
  certificateCodec,
  equal,
  fromBytesBE,
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
  tryDecode,
  verifyingShare,
} from '@quorate/protocol';
import { KeyError } from '@quorate/storage';
import { limits } from '../limits.ts';
import { type RepairProposal, repairProposals } from '../policy/repair-proposal.ts';
import { ruleFor } from '../policy/rights.ts';
import { type ProposalView, ServiceError } from '../service.ts';
import { knownOf, verifyCertified } from './certified.ts';
import type { Host } from './host.ts';
import type { Repaired } from './jobs/repair.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { receiveKeysOf } from './registering.ts';
import { checkExpiry, usable } from './sign.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/**
 * The share that one member lost, given back by a quorum of the others. Everything else stays as it is: the epoch, its package,
 * and everybody else's share.
 */
export class RepairTask implements Task {
  readonly kind = 'repair';
  readonly effect = 'renews';
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly roundDeadline: number = limits.keygenRound;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly decision: 'auto' | 'ask';
  /** The helpers, and who asks. */
  readonly members: readonly Member[];
  readonly #proposal: RepairProposal;
  readonly #checked: Checked;
  readonly #workshop: Workshop;

  private constructor(body: Uint8Array, proposal: RepairProposal, checked: Checked, workshop: Workshop) {
    this.#proposal = proposal;
    this.#checked = checked;
    this.#workshop = workshop;
    this.id = repairProposals.digest(proposal);
    this.body = body;
    this.decision = checked.decision;
    const seated = [...proposal.helpers, checked.lost];
    this.members = checked.publicPackage.members.filter(({ party }) => seated.includes(party));
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`, `integrity`
   */
  static async admit(body: Uint8Array, from: string, workshop: Workshop): Promise<{ readonly task: RepairTask }> {
    const proposal = decodeProposal(repairProposals, body);
    const request = toHex(repairProposals.digest(proposal));
    const record = { request, key: proposal.key, node: toHex(proposal.proposer), from };
    const judge = () => check(proposal, workshop);
    const found = ({ lost, publicPackage }: Checked) => ({ epoch: publicPackage.epoch, party: lost });
    const checked = await judged('repair', record, workshop, judge, found);
    return { task: new RepairTask(body, proposal, checked, workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(repairProposals, body);
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
    return this.#checked.publicPackage.epoch;
  }

  /** A share is given back once at a time; nothing is kept of one that is given up, wherever it is. */
  get rival(): string {
    return `repair/${this.keyName}/${this.#checked.lost}`;
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
    const meaning = `${who} gets its own share of ${this.keyName} back, and nothing else: whoever runs as ${who} then has it`;
    return { proposer: who, scheme, purpose, threshold, members, expires, parties, meaning };
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { aead, signatures } = this.#workshop.tools;
    const group = this.receives;
    const { network, helpers } = this.#proposal;
    const { lost, publicPackage } = this.#checked;
    const session = { group, aead, signatures, network, sid: sessionId(start) };
    const receiveKeys = receiveKeysOf(start, group);
    return renewal.repairCourt({ ...session, receiveKeys, publicPackage, helpers, lost });
  }

  /** @throws {ServiceError} `expired`, `denied`, `key-unknown`, `integrity` */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for a repair has a receive key');
    const { network, helpers } = this.#proposal;
    const { encoded, lost, publicPackage } = this.#checked;
    using share = me === lost ? undefined : await this.#share();
    return this.#workshop.host('repair', {
      network,
      sid,
      me,
      scheme: publicPackage.scheme,
      publicPackage: encoded,
      helpers,
      lost,
      share: share?.use((bytes) => bytes.slice()),
      receiveKeys: start.participants.map(({ registration }) => registration.receiveKey),
      receiveSecret,
    });
  }

  /** @throws {ServiceError} `expired` if a higher epoch is in use here meanwhile */
  async complete(output: unknown): Promise<TaskOutcome> {
    const { audit, clock } = this.#workshop;
    const { share } = output as Repaired;
    const { epoch, keyId, keyName: key } = this;
    const { lost } = this.#checked;
    const record = { request: toHex(this.id), key, epoch, party: lost };
    if (share === undefined) {
      await audit.append(clock.now(), 'repair-helped', record);
      const publicKey = toHex(this.#workshop.publicKeyOf(keyId, epoch));
      return { type: 'finished', result: { type: 'key', publicKey, epoch } };
    }
    using secret = new Secret(share);
    await this.#keep(secret);
    await audit.append(clock.now(), 'share-repaired', record);
    // It is certified already: to be taken up is all that is left.
    return { type: 'prepared' };
  }

  /** Our share, of the epoch that is asked about and no other. */
  async #share(): Promise<Secret> {
    const { keys } = this.#workshop;
    const current = usable(keys.get(this.keyId), this.keyName);
    if (!equal(current.publicPackage, this.#checked.encoded)) throw movedOn(this.keyName);
    return await keys.share(this.keyId, this.epoch);
  }

  async #keep(share: Secret): Promise<void> {
    const { clock, config, keys } = this.#workshop;
    const { encoded, lost, publicPackage } = this.#checked;
    const { keyId, epoch, name, scheme } = publicPackage;
    const group = this.receives;
    const common = { keyId, epoch, name, scheme, publicPackage: encoded, share, createdAt: clock.now() };
    const ready = packageDigest(config.networkId, encoded);
    try {
      await keys.repair({ ...common, ready, certificate: this.#proposal.certificate }, (kept) => {
        if (!group.equals(group.multiplyBase(kept.use(fromBytesBE)), verifyingShare(publicPackage, lost)))
          throw new Error('the repaired share does not belong to the public package');
      });
    } catch (error) {
      if (error instanceof KeyError && error.code === 'epoch-retired') throw movedOn(name);
      throw error;
    }
  }
}

interface Checked {
  /** Of the epoch in use, as it is certified. */
  readonly publicPackage: PublicPackage;
  readonly encoded: Uint8Array;
  readonly lost: Party;
  readonly decision: 'auto' | 'ask';
}

function movedOn(key: string): ServiceError {
  return new ServiceError('expired', `the key ${key} has moved on to another epoch: ask for the repair again`);
}

function check(proposal: RepairProposal, workshop: Workshop): Checked {
  const { bans, clock, config, key, tools } = workshop;
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  const { helpers, network, proposer } = proposal;
  if (!equal(network, config.networkId)) throw denied('the proposal is for another network');
  if (!repairProposals.verify(proposal, tools.signatures))
    throw denied('the proposal is not signed by the member it names');
  checkExpiry(proposal.expires, clock.now());
  const own = equal(proposer, key.publicKey);
  const { encoded, publicPackage } = own ? certifiedIn(proposal, workshop) : inUse(proposal, workshop);
  const lost = publicPackage.members.find(({ node }) => equal(node, proposer))?.party;
  if (lost === undefined) throw denied('the proposer has no share of this key');
  const ascending = helpers.every((party, i) => party > (helpers[i - 1] ?? 0));
  const others = publicPackage.members.filter(({ party }) => party !== lost && helpers.includes(party));
  if (!ascending || others.length !== helpers.length || helpers.length < publicPackage.threshold)
    throw new ServiceError('invalid', 'the helpers are no quorum of the other members');
  const common = { publicPackage, encoded, lost };
  if (own) return { ...common, decision: 'auto' };
  if (!others.some(({ node }) => equal(node, key.publicKey)))
    throw new ServiceError('invalid', 'this node is not among the helpers');
  const member = workshop.members().find(({ node }) => equal(node, proposer));
  if (member === undefined) throw denied('the proposer is not in the roster of this node');
  if (bans.has(proposer)) throw denied(`${member.name} is banned here; quorate peers unban ${member.name} lifts it`);
  const rule = ruleFor(member.name, config);
  if (rule === 'deny') throw denied(`this node helps ${member.name} with no repair; see \`accept\` in node.yaml`);
  return { ...common, decision: rule };
}

/** What READY of all is for, and whoever is known to have had a say wants. */
function certifiedIn(
  { certificate: bytes, key }: RepairProposal,
  workshop: Workshop,
): Pick<Checked, 'encoded' | 'publicPackage'> {
  const { config, keys } = workshop;
  const keyId = keyIdOf(config.networkId, key);
  const certificate = tryDecode(certificateCodec, bytes)?.value;
  try {
    if (certificate === undefined) throw new CertificateError('it does not decode');
    const publicPackage = verifyCertified(certificate, (id) => knownOf(keys.get(id)), workshop);
    if (!equal(publicPackage.keyId, keyId)) throw new CertificateError('it is of another key');
    return { publicPackage, encoded: certificate.publicPackage };
  } catch (error) {
    if (error instanceof CertificateError) throw new ServiceError('denied', error.message);
    throw error;
  }
}

/** Of a helper: the epoch that it uses itself. */
function inUse(proposal: RepairProposal, workshop: Workshop): Pick<Checked, 'encoded' | 'publicPackage'> {
  const { certificate: bytes, key } = proposal;
  const current = usable(workshop.keys.get(keyIdOf(workshop.config.networkId, key)), key);
  const asked = tryDecode(certificateCodec, bytes)?.value.publicPackage;
  if (asked === undefined || !equal(asked, current.publicPackage))
    throw new ServiceError('denied', `the key ${key} is in epoch ${current.epoch} here, and the repair is of another`);
  // What is given back comes with this certificate: others must be able to believe it.
  return certifiedIn(proposal, workshop);
}
