import {
  type Activated,
  type ActivationContext,
  type ActivationEffect,
  type ActivationEvent,
  type ActivationState,
  activatedCodec,
  approvalCodec,
  attemptId,
  type Certificate,
  CertificateError,
  certificateCodec,
  certifiedActivation,
  EncodingError,
  equal,
  groupOf,
  heardActivated,
  initialActivation,
  mayShred,
  type Party,
  type PublicPackage,
  packageDigest,
  readyCodec,
  retire,
  stepActivation,
  toHex,
  wire,
} from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import { PeerBudgets } from '../network/budget.ts';
import type { PeerId } from '../network/network.ts';
import { Ages } from './ages.ts';
import { baseOf } from './certified.ts';
import { Departures, hasShare, isAttempt } from './departures.ts';
import { Early } from './early.ts';
import type { NodeFrame } from './frames.ts';
import { epochOf, headerOf, packageOf, placeOf } from './packages.ts';
import type { Workshop } from './task.ts';

interface Machine {
  readonly context: ActivationContext;
  readonly peers: ReadonlyMap<number, PeerId>;
  state: ActivationState;
  /** Who said that it uses the epoch. */
  readonly activated: Set<Party>;
  /** Events are taken one after the other, each when the effects of the one before are durable. */
  turn: Promise<void>;
}

export interface ActivationPort {
  send(peer: PeerId, frame: NodeFrame): void;
  peerOf(node: Uint8Array): PeerId;
  /** The key epoch may be used from now on. */
  active(epoch: Pick<PublicPackage, 'keyId' | 'epoch'>): void;
  /** The key is with the committee of this epoch now, and this node is not in it. */
  left(keyId: Uint8Array, epoch: number): void;
  /** Nothing can come of the attempt with this number any more. */
  superseded(keyId: Uint8Array, epoch: number): void;
  /** A durable step failed: the node must stop. */
  fatal(error: unknown): void;
}

type ActivationFrame = Extract<NodeFrame, { type: 'ready' | 'approval' | 'certificate' | 'activated' }>;

/** What a frame says, of which epoch. */
interface Heard {
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly value: ActivationEvent;
  /** Whole, if it is one. */
  readonly activated?: Activated;
}

/** Certifies prepared key epochs with their committees, and helps those who come late; also across restarts. */
export class Activations {
  readonly #workshop: Workshop;
  readonly #port: ActivationPort;
  readonly #machines = new Map<string, Machine>();
  /** Epochs whose shares are destroyed, or are just being destroyed. */
  readonly #givenUp = new Set<string>();
  readonly #early: Early<ActivationFrame>;
  readonly #ages: Ages;
  readonly #departures: Departures;
  readonly #answers: PeerBudgets;
  /** The epochs that were on the disk when this life of the node began. */
  readonly #found = new Set<string>();
  #cancel = (): void => undefined;
  #closed = false;

  constructor(workshop: Workshop, port: ActivationPort) {
    this.#workshop = workshop;
    this.#port = port;
    this.#early = new Early(workshop.clock);
    this.#ages = new Ages(workshop.clock);
    this.#answers = new PeerBudgets(workshop.clock, limits.certificatesPerSecond, limits.certificatesBurst);
    this.#departures = new Departures(workshop, this.#ages, {
      ...port,
      left: (keyId, epoch) => {
        port.left(keyId, epoch);
        this.#takeEarly(keyId, epoch);
      },
      shredding: (keyId, epoch) => this.#giveUp(keyId, epoch),
      superseded: async (keyId, epoch) => {
        const place = placeOf(keyId, epoch);
        // What certifies ours may just be on its way to the disk: then it stays.
        this.#givenUp.add(place);
        await this.#machines.get(place)?.turn;
        const info = epochOf(workshop.keys.get(keyId), epoch);
        if (info !== undefined && !isAttempt(info)) return !this.#givenUp.delete(place);
        this.#giveUp(keyId, epoch);
        port.superseded(keyId, epoch);
        return true;
      },
    });
  }

  /** Takes up every epoch on disk that is not in use yet, and keeps asking for what is missing. */
  open(): void {
    for (const key of this.#workshop.keys.list()) {
      for (const epoch of key.epochs) {
        this.#found.add(placeOf(key.keyId, epoch.epoch));
        // Of a renewal in use, others may wait to hear of it, and so does what is left of the epochs before it.
        const tells = epoch.state === 'active' && key.epochs[0] !== epoch;
        const isOpen = epoch.state === 'prepared' || epoch.state === 'certified' || tells;
        if (isOpen && this.#isRooted(key, epoch)) this.#machine(key, epoch);
      }
    }
    const repeat = (): void => {
      this.#cancel = this.#workshop.clock.after(limits.readyInterval, repeat);
      for (const machine of this.#machines.values())
        if (machine.state.type !== 'active') this.#feed(machine, { type: 'resumed' });
      this.#shred().catch((error: unknown) => {
        if (!this.#closed) this.#port.fatal(error);
      });
    };
    repeat();
    this.#departures.open();
  }

  /** What is under way is left as it is: the next life of this node takes it up from the disk. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#departures.close();
  }

  /** The epoch was just prepared on disk, or approved. */
  prepared(keyId: Uint8Array, epoch: number): void {
    const key = this.#workshop.keys.get(keyId);
    const info = epochOf(key, epoch);
    if (key === undefined || info === undefined) throw new Error('a prepared epoch is on disk');
    // A share that was repaired: whatever was thought of its epoch before.
    if (info.certificate !== undefined) this.#machines.delete(placeOf(keyId, epoch));
    if (info.state === 'approved') this.#departures.promised(keyId);
    else if (hasShare(info)) this.#machine(key, info);
    // Else the key has gone elsewhere while this was written down.
    else return;
    this.#takeEarly(keyId, epoch);
  }

  #takeEarly(keyId: Uint8Array, epoch: number): void {
    for (const { peer, item } of this.#early.take(placeOf(keyId, epoch))) this.handle(peer, item);
  }

  /** A peer is there (again): say what it may have missed. */
  greet(peer: PeerId): void {
    this.#departures.greet(peer);
    for (const machine of this.#machines.values()) {
      const tells = machine.state.type !== 'active' || machine.context.base !== undefined;
      if (tells && [...machine.peers.values()].includes(peer)) this.#feed(machine, { type: 'resumed' });
    }
  }

  /** Who said READY for none of the attempts at renewing a key that wait for it. */
  withholding(keyId: Uint8Array): readonly PeerId[] {
    const waiting = [...this.#machines.values()].flatMap(({ context, peers, state }) =>
      equal(context.keyId, keyId) && state.type === 'prepared' ? [{ peers, readies: state.readies }] : [],
    );
    const silent = waiting.map(({ peers, readies }) =>
      [...peers].flatMap(([party, peer]) => (readies.has(party) ? [] : peer)),
    );
    return (silent[0] ?? []).filter((peer) => silent.every((peers) => peers.includes(peer)));
  }

  handle(peer: PeerId, frame: ActivationFrame): void {
    const event = this.#eventOf(frame);
    if (event === undefined) return;
    const { activated, epoch, keyId, value } = event;
    const key = this.#workshop.keys.get(keyId);
    const info = epochOf(key, epoch);
    const isOutside = value.type === 'certificate' && !this.#isIn(value.certificate);
    if (isOutside && (info === undefined || isAttempt(info))) return this.#departures.learn(value.certificate);
    if (key !== undefined && frame.type === 'ready' && this.#departures.correct(peer, key, epoch)) return;
    if (info === undefined || info.state === 'approved') {
      this.#early.keep(peer, placeOf(keyId, epoch), frame, frame.value.length);
      return;
    }
    if (key === undefined) return;
    // An epoch that is just being made durable is in the repository already, and READY may not be said for it yet.
    const place = placeOf(keyId, epoch);
    if (info.state === 'prepared' && !this.#machines.has(place) && !this.#found.has(place)) {
      this.#early.keep(peer, place, frame, frame.value.length);
      return;
    }
    if (value.type === 'approval') this.#departures.answer(peer, value.approval);
    if (activated !== undefined) this.#departures.heard(peer, activated);
    // Nothing is left here to take part with. Who says so missed what came of it.
    if (info.state === 'shredded') return this.#departures.remind(peer, key, info, frame.type === 'ready');
    if (!hasShare(info) || this.#givenUp.has(place) || !this.#isRooted(key, info)) return;
    const machine = this.#machine(key, info);
    if (machine === undefined) return;
    if (activated !== undefined) {
      const { party, transcript } = activated;
      // Of another member, or of another attempt under that number.
      const { transcript: ours } = packageOf(key, info, this.#workshop.tools);
      if (machine.peers.get(party) !== peer || !equal(transcript, ours)) return;
      machine.activated.add(party);
    }
    // Another's word, said again, would have us answer that other one.
    if (value.type === 'ready' && machine.peers.get(value.ready.party) !== peer) return;
    this.#feed(machine, value);
  }

  /** Whether this node is in the committee that is certified. */
  #isIn({ publicPackage }: Certificate): boolean {
    return headerOf(publicPackage).members.some(({ node }) => equal(node, this.#workshop.key.publicKey));
  }

  #eventOf(frame: ActivationFrame): Heard | undefined {
    try {
      switch (frame.type) {
        case 'ready': {
          const ready = wire.decode(readyCodec, frame.value);
          return { ...ready, value: { type: 'ready', ready } };
        }
        case 'approval': {
          const approval = wire.decode(approvalCodec, frame.value);
          return { ...approval, value: { type: 'approval', approval } };
        }
        case 'activated': {
          const activated = wire.decode(activatedCodec, frame.value);
          return { ...activated, value: { type: 'activated', party: activated.party }, activated };
        }
        case 'certificate': {
          const certificate = wire.decode(certificateCodec, frame.value);
          const { keyId, epoch } = headerOf(certificate.publicPackage);
          return { keyId, epoch, value: { type: 'certificate', certificate } };
        }
      }
    } catch (error) {
      if (error instanceof EncodingError) return undefined;
      throw error;
    }
  }

  /** Whether what an epoch renews is here to compare it with; a certified one was compared before we said READY. */
  #isRooted(key: KeyInfo, info: EpochInfo): boolean {
    const { tools } = this.#workshop;
    const header = headerOf(info.publicPackage);
    return info.certificate !== undefined || header.baseEpoch === 0 || baseOf(header, key.epochs, tools) !== undefined;
  }

  /** @returns undefined if what certifies the epoch proves too little: nothing is done with it */
  #machine(key: KeyInfo, info: EpochInfo): Machine | undefined {
    const place = placeOf(key.keyId, info.epoch);
    const existing = this.#machines.get(place);
    if (existing !== undefined) return existing;
    const { config, key: nodeKey, tools } = this.#workshop;
    const publicPackage = packageOf(key, info, tools);
    const own = publicPackage.members.find(({ node }) => equal(node, nodeKey.publicKey));
    if (own === undefined) throw new Error('a key epoch on disk has this node among its members');
    const context: ActivationContext = {
      network: config.networkId,
      keyId: key.keyId,
      epoch: info.epoch,
      members: publicPackage.members,
      me: own.party,
      key: nodeKey,
      groupFor: (scheme) => groupOf(scheme, tools.groups),
      signatures: tools.signatures,
      base: baseOf(publicPackage, key.epochs, tools),
    };
    const peers = new Map(
      publicPackage.members
        .filter((member) => member !== own)
        .map(({ party, node }) => [party, this.#port.peerOf(node)]),
    );
    const state = stateOf(context, info);
    if (state === undefined) {
      this.#workshop.log.error('what certifies an epoch proves nothing', { key: key.name, epoch: info.epoch });
      this.#givenUp.add(place);
      return undefined;
    }
    const machine: Machine = { context, peers, state, activated: new Set(), turn: Promise.resolve() };
    this.#machines.set(place, machine);
    this.#feed(machine, info.certificate === undefined ? { type: 'prepared', publicPackage } : { type: 'resumed' });
    return machine;
  }

  #feed(machine: Machine, event: ActivationEvent): void {
    machine.turn = machine.turn
      .then(async () => {
        if (this.#closed || !this.#mayFeed(machine)) return;
        const { state, effects } = stepActivation(machine.context, machine.state, event);
        for (const effect of effects) await this.#carryOut(machine, effect);
        machine.state = state;
      })
      .catch((error: unknown) => {
        if (!this.#closed) this.#port.fatal(error);
      });
  }

  /** Whether the share is there, and stays. Whoever joins by an attempt may have given up another one for it. */
  #mayFeed({ context: { keyId, epoch } }: Machine): boolean {
    const info = epochOf(this.#workshop.keys.get(keyId), epoch);
    return info !== undefined && hasShare(info) && !this.#givenUp.has(placeOf(keyId, epoch));
  }

  /** Destroys what is left of epochs that were overtaken, once enough members are known to use the one in force. */
  async #shred(): Promise<void> {
    const { audit, clock, keys } = this.#workshop;
    for (const { activated, context, state } of this.#machines.values()) {
      const { keyId, epoch, me, members } = context;
      const key = keys.get(keyId);
      if (state.type !== 'active' || key?.current?.epoch !== epoch) continue;
      // Since then every share of the epoch was about to be on its disk, before anybody said READY.
      const age = this.#ages.of(keyId, key.current);
      const overtaken = key.epochs.filter((one) => one.epoch < epoch && hasShare(one));
      if (overtaken.length === 0) continue;
      const others = members.map(({ party }) => party).filter((party) => party !== me);
      const retirement = [...activated].reduce(heardActivated, retire(others, state.publicPackage.threshold));
      if (!mayShred(retirement, age, limits.retirementGrace)) continue;
      for (const old of overtaken) {
        this.#giveUp(keyId, old.epoch);
        await keys.shred(keyId, old.epoch);
        await audit.append(clock.now(), 'epoch-shredded', { key: key.name, epoch: old.epoch });
      }
    }
  }

  /** Its share is about to be destroyed: nothing is said of the epoch from here on. */
  #giveUp(keyId: Uint8Array, epoch: number): void {
    this.#givenUp.add(placeOf(keyId, epoch));
    this.#machines.delete(placeOf(keyId, epoch));
  }

  async #carryOut({ context, peers }: Machine, effect: ActivationEffect): Promise<void> {
    const { audit, blames, clock, config, keys } = this.#workshop;
    const { keyId, epoch, me } = context;
    const toAll = (frame: NodeFrame): void => {
      for (const peer of peers.values()) this.#port.send(peer, frame);
    };
    switch (effect.type) {
      case 'persistReady':
        // It is on disk since the epoch was prepared: `KeyRepository.prepare` keeps its digest with the share.
        return;
      case 'sendReady': {
        const frame = { type: 'ready', value: wire.encode(readyCodec, effect.ready) } as const;
        if (effect.to === 'all') toAll(frame);
        else this.#sendTo(peers.get(effect.to), frame);
        return;
      }
      case 'persistCertificate': {
        const { certificate } = effect;
        const digest = packageDigest(config.networkId, certificate.publicPackage);
        await keys.certify(keyId, epoch, digest, wire.encode(certificateCodec, certificate));
        return;
      }
      case 'activate': {
        const wasActive = epochOf(keys.get(keyId), epoch)?.state === 'active';
        await keys.activate(keyId, epoch);
        // What held back its last READY until it was overtaken is certified, and not used.
        if (keys.get(keyId)?.current?.epoch !== epoch) return;
        if (!wasActive) await audit.append(clock.now(), 'key-active', { key: effect.publicPackage.name, epoch });
        this.#port.active(effect.publicPackage);
        this.#departures.activated(keyId, epoch);
        return;
      }
      case 'announce': {
        const { transcript } = effect.publicPackage;
        toAll({ type: 'activated', value: wire.encode(activatedCodec, { keyId, epoch, party: me, transcript }) });
        return;
      }
      case 'sendCertificate': {
        const peer = peers.get(effect.to);
        if (peer === undefined || !this.#answers.spend(peer)) return;
        this.#port.send(peer, { type: 'certificate', value: wire.encode(certificateCodec, effect.certificate) });
        return;
      }
      case 'recover':
        this.#workshop.log.error('our share of a certified epoch is missing; quorate keys repair', {
          key: effect.publicPackage.name,
          epoch,
        });
        return;
      case 'accuse': {
        const { code, evidence, party } = effect.blame;
        const node = context.members.find((member) => member.party === party)?.node as Uint8Array;
        const session = attemptId(keyId, epoch);
        if (!(await blames.record({ session, party, node, evidence, time: clock.now() }))) return;
        await audit.append(clock.now(), 'blame', { key: toHex(keyId), epoch, party, node: toHex(node), code });
        return;
      }
    }
  }

  #sendTo(peer: PeerId | undefined, frame: NodeFrame): void {
    if (peer !== undefined) this.#port.send(peer, frame);
  }
}

/** Where the machine of an epoch begins; undefined if its certificate proves nothing. */
function stateOf(context: ActivationContext, { certificate }: EpochInfo): ActivationState | undefined {
  try {
    if (certificate === undefined) return initialActivation;
    return certifiedActivation(context, wire.decode(certificateCodec, certificate));
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
