import {
  type Court,
  certificateCodec,
  equal,
  frost,
  type Group,
  groupOf,
  type Member,
  type Party,
  type PublicPackage,
  packageDigest,
  renewal,
  type Start,
  sessionId,
  toHex,
  wipe,
  wire,
} from '@quorate/protocol';
import { limits } from '../limits.ts';
import { type ReshareProposal, reshareProposals } from '../policy/reshare-proposal.ts';
import { type ProposalView, ServiceError } from '../service.ts';
import type { Host } from './host.ts';
import type { PairMaterials } from './jobs/pairs.ts';
import type { ReshareOutput } from './jobs/renewals.ts';
import { tradeOf } from './keygen.ts';
import { withPairSetup } from './multiplying.ts';
import { checkCurrent } from './overtaking.ts';
import { publicPackageOf } from './packages.ts';
import { keepPrepared } from './prepared.ts';
import { decodeProposal, idIn, judged } from './proposals.ts';
import { receiveKeysOf } from './registering.ts';
import { changesOf, isUnchanged } from './reshare-plan.ts';
import { type Approved, checkReshare, publicKeyOf } from './reshare-rules.ts';
import type { Proof, Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

/**
 * A key goes to another committee, or to another threshold, as one participant sees it: the members of the new epoch, and behind
 * them who deals and leaves. The old epoch signs until the new one is certified. For members this ends with PREPARED, for those
 * who leave with an approval, and `activations.ts` and `departures.ts` decide.
 */
export class ReshareTask implements Task {
  readonly kind = 'renew';
  readonly effect = 'renews';
  readonly decision: 'auto' | 'ask';
  /** New pairs tell nobody anything of old ones. */
  readonly apart: readonly Party[] = [];
  readonly exclusive = false;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  readonly keyId: Uint8Array;
  readonly #proposal: ReshareProposal;
  readonly #approved: Approved;
  readonly #workshop: Workshop;

  private constructor(body: Uint8Array, proposal: ReshareProposal, approved: Approved, workshop: Workshop) {
    this.#proposal = proposal;
    this.#approved = approved;
    this.#workshop = workshop;
    this.decision = approved.decision;
    this.id = reshareProposals.digest(proposal);
    this.body = body;
    this.keyId = approved.base.keyId;
  }

  /**
   * Checks a proposal by this node's own rules and records the decision, a refusal too.
   * @param resharedBy who proposed the reshare that the epoch of a key in use came of, if that is known
   * @throws {ServiceError} `invalid`, `denied`, `expired`, `key-unknown`, `name-taken`, `wrong-key`
   */
  static async admit(
    body: Uint8Array,
    from: string,
    workshop: Workshop,
    resharedBy: (key: string) => Uint8Array | undefined,
  ): Promise<{ readonly task: ReshareTask }> {
    const proposal = decodeProposal(reshareProposals, body);
    const { epoch, key, members, threshold } = proposal;
    const request = toHex(reshareProposals.digest(proposal));
    const record = { request, key, epoch, threshold, members: members.length, from };
    const judge = () => checkReshare(proposal, workshop, resharedBy(key));
    return { task: new ReshareTask(body, proposal, await judged('reshare', record, workshop, judge), workshop) };
  }

  /** The id of an encoded proposal, if it is one. */
  static idOf(body: Uint8Array): Uint8Array | undefined {
    return idIn(reshareProposals, body);
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
    return this.#approved.base.epoch;
  }

  /** Everybody who takes part, at its seat. */
  get members(): readonly Member[] {
    return this.#approved.seats;
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

  /** Whether a node is not in the new committee. */
  leavesOut(node: Uint8Array): boolean {
    return !this.#proposal.members.some((member) => equal(member.node, node));
  }

  get rival(): string {
    return `reshare/${this.keyName}/${toHex(this.proposer)}`;
  }

  /** What has been dealt stays as it is, beside the next attempt. */
  yieldsTo(newer: Task, isRunning: boolean): boolean {
    return !isRunning && newer.expires > this.expires;
  }

  get receives(): Group {
    return groupOf(this.#approved.base.scheme, this.#workshop.tools.groups);
  }

  get roundDeadline(): number {
    return this.#approved.base.scheme === 'ecdsa' ? limits.pairSetupRound : limits.keygenRound;
  }

  get shown(): ProposalView {
    const { expires, members, proposer, threshold } = this.#proposal;
    const { base, isUnpinned } = this.#approved;
    const { nameOf } = this.#workshop;
    const changes = changesOf(base, members);
    return {
      proposer: nameOf(proposer),
      scheme: base.scheme,
      purpose: base.purpose,
      threshold,
      trade: tradeOf(threshold, members.length),
      members: members.map(({ node }) => nameOf(node)),
      expires,
      reshare: {
        publicKey: publicKeyOf(base, this.#workshop),
        mustConfirm: isUnpinned,
        threshold: base.threshold,
        members: base.members.map(({ node }) => nameOf(node)),
        joining: changes.joining.map(nameOf),
        leaving: changes.leaving.map(nameOf),
      },
    };
  }

  /** A node that joins has nothing but its operator's word for which key it is. */
  confirm(publicKey: string | undefined): void {
    if (publicKey === undefined && this.#approved.isUnpinned) {
      const how = 'get the public key from somebody you trust, and give it with --public-key';
      throw new ServiceError('invalid', `this node joins the committee of a key that it does not know: ${how}`);
    }
    if (publicKey !== undefined && publicKey !== publicKeyOf(this.#approved.base, this.#workshop)) {
      throw new ServiceError('wrong-key', 'the proposal is about a key with another public key: do not accept it');
    }
  }

  court(start: Start): Pick<Court, 'rounds' | 'rules'> {
    const { aead, signatures } = this.#workshop.tools;
    const group = this.receives;
    const { dealers, epoch, members, threshold } = this.#proposal;
    const { base } = this.#approved;
    const network = this.#workshop.config.networkId;
    const session = {
      group,
      aead,
      signatures,
      network,
      sid: sessionId(start),
      receiveKeys: receiveKeysOf(start, group),
    };
    const { policyHash } = base;
    return renewal.renewalCourt(renewal.reshare(session, { base, dealers, epoch, members, threshold, policyHash }));
  }

  /** @throws {ServiceError} `expired`, `denied`, `key-unknown` */
  async host({ start, sid, me }: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>> {
    if (receiveSecret === undefined) throw new Error('a registration for a reshare has a receive key');
    const { base, seats } = this.#approved;
    this.expectCurrent();
    const { dealers, epoch, members, threshold } = this.#proposal;
    const network = this.#workshop.config.networkId;
    const deals = seats.find(({ party }) => party === me)?.deals !== undefined;
    using share = deals ? await this.#workshop.keys.share(this.keyId, base.epoch) : undefined;
    return this.#workshop.host('reshare', {
      network,
      sid,
      me,
      scheme: base.scheme,
      base: this.#proposal.base.publicPackage,
      dealers,
      epoch,
      members,
      threshold,
      share: share?.use((bytes) => bytes.slice()),
      receiveKeys: start.participants.map(({ registration }) => registration.receiveKey),
      receiveSecret,
    });
  }

  /**
   * All members sign once with their new shares, and set up what they multiply with, before anybody says READY. Who leaves has no
   * part in it.
   */
  proof(output: unknown, { start, sid: first, me }: TaskSession): Proof | undefined {
    const { share, publicPackage: encoded, receiveSecret } = output as ReshareOutput;
    if (share === undefined) {
      wipe(receiveSecret);
      return undefined;
    }
    const { aead, groups } = this.#workshop.tools;
    const { members } = this.#proposal;
    const network = this.#workshop.config.networkId;
    const { scheme } = this.#approved.base;
    const suite = frost.suiteOf(scheme, groups);
    const { group } = suite;
    const publicPackage = publicPackageOf(group, encoded);
    const sid = renewal.lifeSession(first, publicPackage);
    const court = { rounds: renewal.lifeRounds(suite), rules: renewal.lifeRules(suite, network, publicPackage) };
    const receiveKeys = receiveKeysOf(start, group);
    const others = scheme === 'ecdsa' ? members.filter(({ party }) => party !== me) : [];
    const seated = start.participants.filter(({ party }) => party <= members.length);
    return {
      sid,
      parties: members.map(({ party }) => party),
      court: withPairSetup(court, scheme, { group, aead, sid, members, receiveKeys }),
      host: this.#workshop.host('settle', {
        network,
        sid,
        me,
        scheme,
        publicPackage: encoded,
        share: share.slice(),
        receiveKeys: seated.map(({ registration }) => registration.receiveKey),
        receiveSecret,
        stock: others.map(({ party, node }) => ({ party, ...this.#workshop.stock.take(node) })),
      }),
      join: (material) => ({ share, publicPackage: encoded, material: material as PairMaterials }),
      discard: () => wipe(share),
    };
  }

  comesTo({ baseEpoch, ...next }: Pick<PublicPackage, 'baseEpoch' | 'members' | 'threshold'>): boolean {
    return baseEpoch === this.base && isUnchanged(this.#proposal, next);
  }

  expectCurrent(): void {
    const { base, highest } = this.#approved;
    checkCurrent({ base, epoch: this.epoch, highest }, this.#workshop);
  }

  /** Makes the epoch PREPARED, or of who leaves APPROVED: on disk, read back, before anything is said of it. */
  async complete(output: unknown, { me }: TaskSession): Promise<TaskOutcome> {
    const { base } = this.#approved;
    const { share, publicPackage, material } = output as ReshareOutput & { readonly material: PairMaterials };
    const { audit, clock, config, keys } = this.#workshop;
    const { keyId, name, scheme } = base;
    const outside = { keyId, name, scheme, createdAt: clock.now() };
    try {
      this.expectCurrent();
      if (share === undefined) {
        const ready = packageDigest(config.networkId, publicPackage);
        await keys.approve({ ...outside, epoch: this.epoch, publicPackage, ready }, () => this.expectCurrent());
        await audit.append(clock.now(), 'epoch-approved', { key: name, epoch: this.epoch, request: toHex(this.id) });
        return { type: 'prepared' };
      }
      if (!base.members.some(({ node }) => equal(node, this.#workshop.key.publicKey))) {
        // Who joins keeps what it renews: everything that follows is judged by it.
        const encoded = this.#proposal.base.publicPackage;
        const ready = packageDigest(config.networkId, encoded);
        const certificate = wire.encode(certificateCodec, this.#proposal.base);
        await keys.goElsewhere({ ...outside, epoch: base.epoch, publicPackage: encoded, ready }, certificate);
      }
      return await keepPrepared(this, base, { share, material, publicPackage }, me, this.#workshop);
    } finally {
      if (share !== undefined) wipe(share, ...material.values());
    }
  }
}
