import {
  type Activated,
  type Approval,
  activatedCodec,
  approvalCodec,
  approve,
  type Certificate,
  CertificateError,
  certificateCodec,
  equal,
  groupOf,
  heardActivated,
  mayShred,
  type Party,
  type PublicPackage,
  packageDigest,
  retire,
  verifySuccession,
  wire,
} from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import { PeerBudgets } from '../network/budget.ts';
import type { PeerId } from '../network/network.ts';
import type { Ages } from './ages.ts';
import { contextOf } from './certified.ts';
import type { NodeFrame } from './frames.ts';
import { epochOf, headerOf, packageOf, placeOf } from './packages.ts';
import type { Workshop } from './task.ts';

export interface DeparturesPort {
  send(peer: PeerId, frame: NodeFrame): void;
  peerOf(node: Uint8Array): PeerId;
  /** The key is with the committee of this epoch now, and this node is not in it. */
  left(keyId: Uint8Array, epoch: number): void;
  /** Nothing will be left of an epoch: nothing may be said of it. */
  shredding(keyId: Uint8Array, epoch: number): void;
  /**
   * Another attempt than the one that this node took part in is certified under this number: nothing will be left of ours. Not if
   * ours is certified, too: the first one counts here.
   */
  superseded(keyId: Uint8Array, epoch: number): Promise<boolean>;
  /** A durable step failed: the node must stop. */
  fatal(error: unknown): void;
}

/**
 * What becomes of members that a reshare leaves out. Who dealt and leaves says that it wants the new epoch, again and again until
 * it hears that it is certified. Whoever is in the new epoch tells those who left; they believe the certificate, retire their
 * shares at once, and shred them when enough of the new members are known to use theirs.
 */
export class Departures {
  readonly #workshop: Workshop;
  readonly #port: DeparturesPort;
  /** Who said that it uses an epoch that is elsewhere. */
  readonly #activated = new Map<string, Set<Party>>();
  readonly #ages: Ages;
  readonly #corrections: PeerBudgets;
  /** Whom an epoch leaves out, by its package. */
  readonly #leavers = new WeakMap<Uint8Array, ReadonlySet<PeerId>>();
  /** Certificates are taken one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #cancel = (): void => undefined;
  #closed = false;

  constructor(workshop: Workshop, ages: Ages, port: DeparturesPort) {
    this.#workshop = workshop;
    this.#ages = ages;
    this.#port = port;
    this.#corrections = new PeerBudgets(workshop.clock, limits.certificatesPerSecond, limits.certificatesBurst);
  }

  open(): void {
    const repeat = (): void => {
      this.#cancel = this.#workshop.clock.after(limits.readyInterval, repeat);
      for (const key of this.#workshop.keys.list()) this.#approve(key);
      this.#inTurn(async () => this.#shred());
    };
    repeat();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** An approval was just made durable. */
  promised(keyId: Uint8Array): void {
    const key = this.#workshop.keys.get(keyId);
    if (key !== undefined) this.#approve(key);
  }

  /** A peer is there (again): it is told what it may have missed. */
  greet(peer: PeerId): void {
    for (const key of this.#workshop.keys.list()) {
      this.#approve(key, peer);
      for (const info of key.epochs) this.#tell(key, info, peer);
    }
  }

  /** The epoch is certified here: those whom it leaves out are told, and those whom it should not have taken in. */
  activated(keyId: Uint8Array, epoch: number): void {
    const key = this.#workshop.keys.get(keyId);
    for (const info of key?.epochs ?? []) if (key !== undefined && info.epoch >= epoch) this.#tell(key, info);
  }

  /** Somebody's approval of an epoch that is certified here: it has not heard of it. */
  answer(peer: PeerId, { keyId, epoch }: Approval): void {
    const key = this.#workshop.keys.get(keyId);
    const info = epochOf(key, epoch);
    if (key !== undefined && info !== undefined) this.#tell(key, info, peer);
  }

  /**
   * A member of an epoch that is destroyed here still speaks of it: it is told what certified it, if it still promises READY, and
   * what followed without it.
   */
  remind(peer: PeerId, key: KeyInfo, info: EpochInfo, promises: boolean): void {
    const { certificate, epoch } = info;
    if (!this.#isMember(peer, info) || !this.#corrections.spend(peer)) return;
    if (promises && certificate !== undefined) this.#port.send(peer, { type: 'certificate', value: certificate });
    for (const later of key.epochs) if (later.epoch > epoch) this.#tell(key, later, peer);
  }

  /**
   * A member promises READY for an attempt that another one without it overtook, perhaps under the same number: it is told what was
   * certified, and what that renews, of which it may not know either. @returns whether it was so
   */
  correct(peer: PeerId, key: KeyInfo, epoch: number): boolean {
    const certified = key.epochs.filter(({ certificate, state }) => certificate !== undefined && state !== 'certified');
    const winner = certified.find((info) => info.epoch >= epoch);
    if (winner === undefined || certified.some((info) => info.epoch >= epoch && this.#isMember(peer, info)))
      return false;
    const chain = chainOf(winner, certified);
    // Whoever promises is on the roster; whether the attempt ever was, nobody here may know any more.
    if (chain.length > 1 && this.#corrections.spend(peer)) for (const info of chain) this.#tellOne(peer, key, info);
    return true;
  }

  /** A certificate of an epoch of which this node has no share. */
  learn(certificate: Certificate): void {
    this.#inTurn(async () => this.#learn(certificate));
  }

  /** A member of an epoch that is elsewhere says that it uses it. */
  heard(peer: PeerId, { keyId, epoch, party, transcript }: Activated): void {
    this.#inTurn(async () => {
      const key = this.#workshop.keys.get(keyId);
      const info = epochOf(key, epoch);
      if (key === undefined || info?.state !== 'elsewhere') return;
      const { members, transcript: certified } = packageOf(key, info, this.#workshop.tools);
      const member = members.find((one) => one.party === party);
      if (member === undefined || this.#port.peerOf(member.node) !== peer) return;
      // Of another attempt under that number.
      if (!equal(transcript, certified)) return;
      const place = placeOf(keyId, epoch);
      this.#activated.set(place, new Set([...(this.#activated.get(place) ?? []), party]));
      await this.#shred();
    });
  }

  /** @param only whom to tell; default: all members of the new epochs */
  #approve(key: KeyInfo, only?: PeerId): void {
    const { config, key: nodeKey, tools } = this.#workshop;
    for (const info of key.epochs) {
      if (info.state !== 'approved' || isOvertaken(key, info)) continue;
      const next = packageOf(key, info, tools);
      const base = key.epochs.find(({ epoch }) => epoch === next.baseEpoch);
      const own = base && headerOf(base.publicPackage).members.find(({ node }) => equal(node, nodeKey.publicKey));
      if (own === undefined) continue;
      const approval = approve(config.networkId, groupOf(next.scheme, tools.groups), next, own.party, nodeKey);
      const frame = { type: 'approval', value: wire.encode(approvalCodec, approval) } as const;
      for (const peer of next.members.map(({ node }) => this.#port.peerOf(node))) {
        if (only === undefined || peer === only) this.#port.send(peer, frame);
      }
    }
  }

  /**
   * Sends what certifies an epoch to members of the one before that are not in it, and of attempts at the same renewal that it
   * overtook, certified or not: what they hold is of no use. @param only one of them
   */
  #tell(key: KeyInfo, info: EpochInfo, only?: PeerId): void {
    if (info.certificate === undefined || info.state === 'certified') return;
    const leavers = this.#leavers.get(info.publicPackage) ?? this.#leaversOf(key, info);
    // No number comes between two others any more once the higher one is known.
    this.#leavers.set(info.publicPackage, leavers);
    for (const peer of leavers) if (only === undefined || peer === only) this.#tellOne(peer, key, info);
  }

  #leaversOf(key: KeyInfo, { publicPackage }: EpochInfo): ReadonlySet<PeerId> {
    const { baseEpoch, epoch: next } = headerOf(publicPackage);
    const before = key.epochs.filter(({ epoch }) => epoch >= baseEpoch && epoch < next);
    const peersOf = (encoded: Uint8Array): readonly PeerId[] =>
      headerOf(encoded).members.map(({ node }) => this.#port.peerOf(node));
    const staying = new Set(peersOf(publicPackage));
    return new Set(before.flatMap((one) => peersOf(one.publicPackage)).filter((peer) => !staying.has(peer)));
  }

  /** Tells a peer what certifies an epoch that it is not in. */
  #tellOne(peer: PeerId, key: KeyInfo, info: EpochInfo): void {
    if (info.certificate === undefined || this.#isMember(peer, info)) return;
    this.#port.send(peer, { type: 'certificate', value: info.certificate });
    const { keyId, epoch, members } = headerOf(info.publicPackage);
    const own = members.find(({ node }) => equal(node, this.#workshop.key.publicKey));
    if (own === undefined) return;
    const { transcript } = packageOf(key, info, this.#workshop.tools);
    const activated = wire.encode(activatedCodec, { keyId, epoch, party: own.party, transcript });
    this.#port.send(peer, { type: 'activated', value: activated });
  }

  #isMember(peer: PeerId, { publicPackage }: EpochInfo): boolean {
    return headerOf(publicPackage).members.some(({ node }) => this.#port.peerOf(node) === peer);
  }

  async #learn(certificate: Certificate): Promise<void> {
    const { audit, clock, config, key: own, keys, log } = this.#workshop;
    const { epoch, keyId, baseEpoch, members, name, scheme } = headerOf(certificate.publicPackage);
    const key = keys.get(keyId);
    const newest = newestOf(key);
    if (key === undefined || newest === undefined || members.some(({ node }) => equal(node, own.publicKey))) return;
    const known = epochOf(key, epoch);
    if (epoch <= newest.epoch || (known !== undefined && !isAttempt(known))) return;
    const base = this.#baseFor(key, newest, baseEpoch);
    if (base === undefined) return;
    try {
      verifySuccession(certificate, base, contextOf(this.#workshop));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      log.warn('dropped a certificate that proves nothing', { key: key.name, epoch, error });
      return;
    }
    const { publicPackage } = certificate;
    const ready = packageDigest(config.networkId, publicPackage);
    const outside = { keyId, epoch, name, scheme, publicPackage, ready, createdAt: clock.now() };
    // Two attempts may have one number, for proposers do not know of all. Nobody honest wants both: ours will never be certified.
    const isOther = known !== undefined && !equal(known.ready, ready);
    if (isOther && !(await this.#port.superseded(keyId, epoch))) return;
    await keys.goElsewhere(outside, wire.encode(certificateCodec, certificate));
    await audit.append(clock.now(), 'key-left', { key: name, epoch });
    this.#port.left(keyId, epoch);
  }

  /**
   * What a new epoch must follow: the one in use; or, of two attempts at renewing the same epoch that were both certified, for a
   * while the one that both were dealt from. Not for ever: who held the key long ago must not be believed about it.
   */
  #baseFor(key: KeyInfo, newest: EpochInfo, baseEpoch: number): PublicPackage | undefined {
    const { tools } = this.#workshop;
    if (baseEpoch === newest.epoch) return packageOf(key, newest, tools);
    const isSibling = headerOf(newest.publicPackage).baseEpoch === baseEpoch;
    if (!isSibling || this.#ages.of(key.keyId, newest) >= limits.retirementGrace) return undefined;
    const base = key.epochs.find(({ epoch }) => epoch === baseEpoch);
    return base === undefined ? undefined : packageOf(key, base, tools);
  }

  /** Destroys what is left of shares of keys that are elsewhere, once enough of their members are known to use theirs. */
  async #shred(): Promise<void> {
    const { audit, clock, keys } = this.#workshop;
    for (const key of keys.list()) {
      const last = newestOf(key);
      if (last === undefined) continue;
      // It grows old from now on at least, here or elsewhere.
      const age = this.#ages.of(key.keyId, last);
      if (last === key.current) continue;
      const left = key.epochs.filter((one) => one.epoch < last.epoch && hasShare(one));
      if (left.length === 0) continue;
      const { members, threshold } = headerOf(last.publicPackage);
      const heard = this.#activated.get(placeOf(key.keyId, last.epoch)) ?? new Set();
      const parties = members.map(({ party }) => party);
      const retirement = [...heard].reduce(heardActivated, retire(parties, threshold));
      if (!mayShred(retirement, age, limits.retirementGrace)) continue;
      for (const old of left) {
        this.#port.shredding(key.keyId, old.epoch);
        await keys.shred(key.keyId, old.epoch);
        await audit.append(clock.now(), 'epoch-shredded', { key: key.name, epoch: old.epoch });
      }
    }
  }

  #inTurn(step: () => Promise<void>): void {
    this.#turn = this.#turn
      .then(async () => (this.#closed ? undefined : await step()))
      .catch((error: unknown) => {
        if (!this.#closed) this.#port.fatal(error);
      });
  }
}

/** An epoch and those that it comes from, the first one first, as many as a peer may be behind. Of a new key alone nothing can be believed. */
function chainOf(last: EpochInfo, certified: readonly EpochInfo[]): readonly EpochInfo[] {
  const chain = [last];
  for (let next: EpochInfo | undefined = last; next !== undefined && chain.length < limits.correctedEpochs; ) {
    const { baseEpoch } = headerOf(next.publicPackage);
    next = certified.find(({ epoch }) => epoch === baseEpoch);
    if (next !== undefined) chain.unshift(next);
  }
  return chain;
}

/** The newest epoch that is in use, as far as this node knows: here, or elsewhere. */
function newestOf(key: KeyInfo | undefined): EpochInfo | undefined {
  return key?.current ?? key?.epochs.findLast(({ state }) => state === 'elsewhere');
}

/** Whether there is something to destroy of an epoch. */
export function hasShare({ state }: EpochInfo): boolean {
  return state !== 'shredded' && state !== 'approved' && state !== 'elsewhere';
}

/** Whether an epoch is an attempt, or was one, of which no certificate is known. */
export function isAttempt({ certificate, state }: EpochInfo): boolean {
  return certificate === undefined && (state === 'approved' || state === 'prepared' || state === 'shredded');
}

function isOvertaken({ epochs }: KeyInfo, { epoch }: EpochInfo): boolean {
  return epochs.some((one) => one.epoch > epoch && one.certificate !== undefined);
}
