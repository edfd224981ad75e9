import {
  type Activated,
  activatedCodec,
  type Certificate,
  CertificateError,
  certificateCodec,
  EncodingError,
  equal,
  fromBytesBE,
  frost,
  groupOf,
  keyIdOf,
  type Member,
  type PublicPackage,
  publicPackageCodec,
  toHex,
  tryDecode,
  verifyingShare,
  wire,
} from '@quorate/protocol';
import { IntegrityError, type KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import { PeerBudgets } from '../network/budget.ts';
import type { PeerId } from '../network/network.ts';
import { repairProposals } from '../policy/repair-proposal.ts';
import { type CeremonyView, type RepairOrder, ServiceError } from '../service.ts';
import { knownOf, verifyCertified } from './certified.ts';
import type { NodeFrame } from './frames.ts';
import { chooseHelpers } from './helpers.ts';
import { headerOf, packageOf } from './packages.ts';
import { type Certified, certificateOf, Question, type Used } from './question.ts';
import { expectMember } from './sign.ts';
import type { Workshop } from './task.ts';

export interface RepairsPort {
  send(peer: PeerId, frame: NodeFrame): void;
  peerOf(node: Uint8Array): PeerId;
  /** Who is connected, oneself included. */
  live(): ReadonlySet<PeerId>;
  /** Proposes a repair to its helpers. @throws {ServiceError} */
  submit(body: Uint8Array): Promise<CeremonyView>;
}

type HeardFrame = Extract<NodeFrame, { readonly type: 'wanted' | 'certificate' | 'activated' }>;

/**
 * Has a share that was lost here given back. What the node needs to ask for it, it learns from the others: the certificate of the
 * epoch in use, which carries the node's own READY, so that nobody can make one up.
 */
export class Repairs {
  readonly #workshop: Workshop;
  readonly #port: RepairsPort;
  /** By key id. */
  readonly #questions = new Map<string, Question>();
  readonly #budgets: PeerBudgets;
  /** Epochs that others use and whose share should be here: the highest, by key id. */
  readonly #ahead = new Map<string, number>();
  /** How often each member was asked to help, by key id. */
  readonly #tries = new Map<string, Map<PeerId, number>>();

  constructor(workshop: Workshop, port: RepairsPort) {
    this.#workshop = workshop;
    this.#port = port;
    this.#budgets = new PeerBudgets(workshop.clock, limits.certificatesPerSecond, limits.certificatesBurst);
  }

  close(): void {
    for (const { enough } of this.#questions.values()) enough();
  }

  /**
   * Proposes a repair of this node's share of a key.
   * @throws {ServiceError} `no-quorum`, `request-conflict` if nothing is lost, `invalid`, `integrity`, `busy`
   */
  async repair(name: string, { publicKey, helpers }: RepairOrder = {}): Promise<CeremonyView> {
    const { clock, config, key, randomness } = this.#workshop;
    const used = await this.#inUse(name);
    const { publicPackage, users } = used;
    this.#checkKey(name, publicPackage, publicKey);
    if (!(await this.#isLost(publicPackage)))
      throw new ServiceError(
        'request-conflict',
        `the share of ${name} is here, and it fits: nothing is to be repaired`,
      );
    const nonce = randomness.bytes(32);
    const { live, peerOf } = this.#port;
    const place = toHex(publicPackage.keyId);
    const tries = this.#tries.get(place) ?? new Map<PeerId, number>();
    this.#tries.set(place, tries);
    const choice = { count: publicPackage.threshold, names: helpers, nonce, live, peerOf, able: users, tries };
    const chosen = chooseHelpers(publicPackage, choice, this.#workshop);
    const proposal = repairProposals.sign(
      {
        network: config.networkId,
        key: name,
        certificate: wire.encode(certificateCodec, certificateOf(used)),
        helpers: chosen,
        expires: clock.now() + limits.longestRequest,
        nonce,
      },
      key,
    );
    const ceremony = await this.#port.submit(wire.encode(repairProposals.codec, proposal));
    for (const { node, party } of publicPackage.members)
      if (chosen.includes(party)) tries.set(peerOf(node), (tries.get(peerOf(node)) ?? 0) + 1);
    return ceremony;
  }

  /** Why our share of a key that is not quarantined needs a repair; undefined if it does not, as far as is known. */
  problemOf(keyId: Uint8Array): string | undefined {
    const key = this.#workshop.keys.get(keyId);
    const ahead = this.#ahead.get(toHex(keyId)) ?? 0;
    if (key?.quarantined !== undefined || ahead <= (key?.current?.epoch ?? 0)) return undefined;
    return `the others use epoch ${ahead}, and our share of it is missing`;
  }

  hear(peer: PeerId, frame: HeardFrame): void {
    if (frame.type === 'wanted') return this.#answer(peer, frame.value.keyId);
    if (frame.type === 'activated') return this.#activated(peer, frame.value);
    const certificate = tryDecode(certificateCodec, frame.value)?.value;
    if (certificate === undefined) return;
    const keyId = keyIdIn(certificate);
    const question = keyId === undefined ? undefined : this.#questions.get(toHex(keyId));
    const found = question === undefined ? undefined : this.#verified(certificate);
    if (question === undefined || found === undefined) return;
    question.answer(peer, found);
    this.#heard(question);
  }

  #heard(question: Question): void {
    this.#show(question.newest, question.takeBehind());
    if (this.#isAnswered(question)) question.enough();
  }

  /** Whoever has all but what certifies an epoch may use it from then on, and does not have to wait for whoever kept that back. */
  #show(used: Used | undefined, peers: readonly PeerId[]): void {
    if (used === undefined || peers.length === 0) return;
    const value = wire.encode(certificateCodec, certificateOf(used));
    for (const peer of peers) this.#port.send(peer, { type: 'certificate', value });
  }

  /** To the members who are there and did not say that they use the epoch. */
  #showOthers(newest: Used): void {
    const peers = newest.publicPackage.members.map(({ node }) => this.#port.peerOf(node));
    const live = this.#port.live();
    this.#show(
      newest,
      peers.filter((peer) => live.has(peer) && !newest.users.has(peer)),
    );
  }

  /** Somebody uses an epoch: an answer, if there is a question. */
  #activated(peer: PeerId, value: Uint8Array): void {
    const activated = tryDecode(activatedCodec, value)?.value;
    if (activated === undefined) return;
    const question = this.#questions.get(toHex(activated.keyId));
    if (question === undefined) return this.#wonder(peer, activated);
    question.hear(peer, activated);
    this.#heard(question);
  }

  /** To members of the committee alone: whoever is no longer one has nothing to repair. */
  #answer(peer: PeerId, keyId: Uint8Array): void {
    const { keys, tools } = this.#workshop;
    const key = keys.get(keyId);
    const { certificate } = key?.current ?? {};
    if (key?.current === undefined || certificate === undefined) return;
    const { members } = packageOf(key, key.current, tools);
    if (!members.some(({ node }) => this.#port.peerOf(node) === peer)) return;
    if (this.#budgets.spend(peer)) this.#port.send(peer, { type: 'certificate', value: certificate });
  }

  /** Somebody uses an epoch of which there is nothing here: is our own share of it lost? */
  #wonder(peer: PeerId, activated: Activated): void {
    const key = this.#workshop.keys.get(activated.keyId);
    if (key === undefined || key.quarantined !== undefined) return;
    if (activated.epoch <= Math.max(this.#ahead.get(toHex(key.keyId)) ?? 0, highestHere(key))) return;
    this.#ask(key.keyId, [peer]).then(
      ({ newest: found }) => {
        if (found === undefined || found.publicPackage.epoch <= highestHere(key)) return;
        this.#ahead.set(toHex(key.keyId), found.publicPackage.epoch);
        this.#showOthers(found);
        this.#workshop.log.error('our share of the epoch in use is missing; quorate keys repair', { key: key.name });
      },
      () => undefined,
    );
  }

  /** The epoch of a key that the others use and this node is a member of. @throws {ServiceError} */
  async #inUse(name: string): Promise<Used> {
    const keyId = keyIdOf(this.#workshop.config.networkId, name);
    if (this.#questions.has(toHex(keyId))) throw new ServiceError('busy', `a repair of ${name} is being prepared`);
    const others = [...this.#port.live()].filter((peer) => peer !== this.#port.peerOf(this.#workshop.key.publicKey));
    const { best, newest } = await this.#ask(keyId, others);
    if (newest !== undefined) this.#showOthers(newest);
    if (best !== undefined) return best;
    const left = this.#workshop.keys.get(keyId);
    if (left !== undefined) expectMember(left);
    throw new ServiceError('no-quorum', `nobody who is connected uses a key ${name} of which this node has a share`);
  }

  async #ask(keyId: Uint8Array, peers: readonly PeerId[]): Promise<Question> {
    const { promise, resolve: enough } = Promise.withResolvers<void>();
    const question = new Question(peers, enough);
    if (peers.length === 0) return question;
    this.#questions.set(toHex(keyId), question);
    for (const peer of peers) this.#port.send(peer, { type: 'wanted', value: { keyId } });
    const cancel = this.#workshop.clock.after(limits.certificateAnswer, enough);
    await promise;
    cancel();
    this.#questions.delete(toHex(keyId));
    return question;
  }

  /** Whether all who are there and could use the newest epoch have said that they do. */
  #isAnswered({ asked, newest }: Question): boolean {
    if (newest === undefined) return false;
    const { publicPackage, users } = newest;
    const peers = publicPackage.members.map(({ node }) => this.#port.peerOf(node));
    const live = this.#port.live();
    return peers.every((peer) => !asked.includes(peer) || users.has(peer) || !live.has(peer));
  }

  /** READY of every member is in it, and we are one; and whoever is known to have had a say wants it. */
  #verified(certificate: Certificate): Certified | undefined {
    const { key, keys } = this.#workshop;
    try {
      const publicPackage = verifyCertified(certificate, (keyId) => knownOf(keys.get(keyId)), this.#workshop);
      const isMember = publicPackage.members.some(({ node }) => equal(node, key.publicKey));
      return isMember ? { certificate, publicPackage } : undefined;
    } catch (error) {
      if (error instanceof CertificateError) return undefined;
      throw error;
    }
  }

  /**
   * It has to be the key that this node held: by what is left of it here, or by what the operator says.
   * @throws {ServiceError} `invalid` if there is neither, `integrity` if it is another key
   */
  #checkKey(name: string, publicPackage: PublicPackage, publicKey: string | undefined): void {
    const { keys, tools } = this.#workshop;
    const { keyId, scheme } = publicPackage;
    const suite = frost.suiteOf(scheme, tools.groups);
    const keyOf = (one: PublicPackage): string => toHex(frost.outputKey(suite, one));
    const key = keys.get(keyId);
    const left = knownOf(key)[0]?.publicPackage;
    const known = left === undefined ? undefined : tryDecode(publicPackageCodec(suite.group), left);
    if (left === undefined && publicKey === undefined)
      throw new ServiceError(
        'invalid',
        `nothing is left here to tell which key ${name} is: give --public-key, as \`quorate keys show ${name}\` prints it elsewhere`,
      );
    const isSame = left === undefined || (known !== undefined && keyOf(known.value) === keyOf(publicPackage));
    if (isSame && (publicKey === undefined || publicKey === keyOf(publicPackage))) return;
    throw new ServiceError('integrity', `what the others call ${name} is another key: ${keyOf(publicPackage)}`);
  }

  /** Whether our share of the epoch in use is not here, or does not open, or does not fit. */
  async #isLost(publicPackage: PublicPackage): Promise<boolean> {
    const { key: own, keys, tools } = this.#workshop;
    const { epoch, keyId, members, scheme } = publicPackage;
    const key = keys.get(keyId);
    if (key === undefined || key.quarantined !== undefined) return true;
    if (key.current === undefined || key.current.epoch < epoch) return true;
    if (key.current.epoch > epoch) return false;
    const group = groupOf(scheme, tools.groups);
    const { party } = members.find(({ node }) => equal(node, own.publicKey)) as Member;
    try {
      using share = await keys.share(keyId, epoch);
      return !group.equals(group.multiplyBase(share.use(fromBytesBE)), verifyingShare(publicPackage, party));
    } catch (error) {
      if (error instanceof IntegrityError) return true;
      throw error;
    }
  }
}

/** Of the epochs of which there is more here than the number of an attempt that was lost. */
function highestHere({ epochs }: KeyInfo): number {
  return epochs.findLast((one) => one.state !== 'shredded' || one.certificate !== undefined)?.epoch ?? 0;
}

/** Which key a certificate is of, as it says. */
function keyIdIn({ publicPackage }: Certificate): Uint8Array | undefined {
  try {
    return headerOf(publicPackage).keyId;
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}
