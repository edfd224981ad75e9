import { equal, groupOf, type Member, type Party, toHex, wire } from '@quorate/protocol';
import type { EpochInfo, KeyInfo, OpenCheck } from '@quorate/storage';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { preparations, proposePreparation } from '../policy/preparation.ts';
import { ServiceError } from '../service.ts';
import { publicPackageOf } from './packages.ts';
import type { Workshop } from './task.ts';

export interface PairUpkeepPort {
  peerOf(node: Uint8Array): PeerId;
  isLive(peer: PeerId): boolean;
  /** Whether anything of this kind is under way. */
  busy(): boolean;
  /** Proposes a set-up of two parties; resolves when it was taken in here. */
  submit(body: Uint8Array): Promise<unknown>;
  /** A durable step failed: the node must stop. */
  fatal(error: unknown): void;
}

/** A party of a key in use with whom nothing is set up. */
interface Missing {
  readonly key: KeyInfo;
  readonly epoch: EpochInfo;
  readonly me: Party;
  readonly party: Party;
  readonly node: Uint8Array;
}

interface Wait {
  readonly tries: number;
  /** Monotonic. */
  readonly until: number;
}

/**
 * Keeps the pairs of ECDSA keys in order: forgets what was set up with whoever may have learnt something of it, and has it set
 * up anew as soon as both are there. Nobody is blamed for it.
 */
export class PairUpkeep {
  readonly #workshop: Workshop;
  readonly #port: PairUpkeepPort;
  readonly #waits = new Map<string, Wait>();
  #cancel = (): void => undefined;

  constructor(workshop: Workshop, port: PairUpkeepPort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  /**
   * What must be forgotten before anything begins: set-ups that were in a check when an earlier life of this node ended, for
   * nobody knows whether the other learnt its outcome; and set-ups with nodes whose ban was the last thing that it wrote.
   */
  async open(): Promise<void> {
    const { bans, sessions } = this.#workshop;
    for await (const check of sessions.unanswered()) await this.burnAfter(check);
    for (const { node } of bans.list()) await this.forget(node);
    this.#tick();
  }

  /** Forgets what a check depended on that was begun and will not be answered: durable before this resolves. */
  async burnAfter({ sid, round, keyId, epoch, parties }: OpenCheck): Promise<void> {
    const { audit, clock, keys, sessions } = this.#workshop;
    const key = keys.get(keyId);
    // The check stays open: what is set up must be burnt before the key can be used again.
    if (key?.quarantined !== undefined) return;
    if (key?.epochs.some((one) => one.epoch === epoch) === true) {
      const fields = { key: key.name, epoch, parties: parties.join(','), session: toHex(sid), round };
      await audit.append(clock.now(), 'pairs-burnt', fields);
      await keys.materials.drop(keyId, epoch, parties);
    }
    await sessions.answered(sid, round);
  }

  close(): void {
    this.#cancel();
  }

  /** Drops what is set up with a node, in every key. */
  async forget(node: Uint8Array): Promise<void> {
    const { keys } = this.#workshop;
    for (const key of keys.list()) {
      for (const epoch of key.epochs) {
        const parties = this.#members(key, epoch).filter((member) => equal(member.node, node));
        await keys.materials.drop(
          key.keyId,
          epoch.epoch,
          parties.map(({ party }) => party),
        );
      }
    }
  }

  /** Drops what is set up with anybody, in every key. */
  async burn(): Promise<void> {
    const { keys } = this.#workshop;
    for (const { epochs, keyId } of keys.list()) {
      for (const { epoch, material } of epochs) await keys.materials.drop(keyId, epoch, material);
    }
  }

  /** With how many keys in use there is a set-up with a node, and with how many there should be. */
  count(node: Uint8Array): { readonly ready: number; readonly missing: number } {
    const missing = this.#missing().filter((one) => equal(one.node, node)).length;
    const shared = this.#current().filter(([key, epoch]) =>
      this.#members(key, epoch).some((member) => equal(member.node, node)),
    );
    return { ready: shared.length - missing, missing };
  }

  #tick(): void {
    this.#cancel = this.#workshop.clock.after(limits.pairInterval, () => this.#tick());
    const missing = this.#missing();
    const places = new Set(missing.map(placeOf));
    for (const place of this.#waits.keys()) if (!places.has(place)) this.#waits.delete(place);
    if (this.#port.busy()) return;
    const due = missing.filter((one) => this.#isDue(one))[0];
    if (due !== undefined) this.#propose(due).catch((error: unknown) => this.#port.fatal(error));
  }

  /** The lower party proposes; the other one waits for it, for it may know of nothing that is missing. */
  #isDue(missing: Missing): boolean {
    const { bans, clock } = this.#workshop;
    if (bans.has(missing.node) || !this.#port.isLive(this.#port.peerOf(missing.node))) return false;
    const place = placeOf(missing);
    const wait = this.#waits.get(place) ?? { tries: 0, until: clock.monotonic() + patience(missing) };
    this.#waits.set(place, wait);
    return clock.monotonic() >= wait.until;
  }

  async #propose(missing: Missing): Promise<void> {
    const { clock, config, key, log, nameOf, randomness } = this.#workshop;
    const place = placeOf(missing);
    const { tries } = this.#waits.get(place) ?? { tries: 0 };
    const pause = Math.min(limits.pairRetryFirst * 2 ** tries, limits.pairRetryLongest) + patience(missing);
    this.#waits.set(place, { tries: tries + 1, until: clock.monotonic() + pause });
    log.info('sets a pair up anew', { key: missing.key.name, with: nameOf(missing.node) });
    const preparation = proposePreparation(
      'pairs',
      {
        network: config.networkId,
        key: missing.key.name,
        epoch: missing.epoch.epoch,
        parties: [missing.me, missing.party].sort((a, b) => a - b),
        expires: clock.now() + limits.pairProposal,
        nonce: randomness.bytes(32),
      },
      key,
    );
    try {
      await this.#port.submit(wire.encode(preparations.codec, preparation));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      log.warn('cannot set a pair up now', { key: missing.key.name, with: nameOf(missing.node), error });
    }
  }

  #missing(): readonly Missing[] {
    const { key: own } = this.#workshop;
    return this.#current().flatMap(([key, epoch]) => {
      const members = this.#members(key, epoch);
      const me = members.find(({ node }) => equal(node, own.publicKey))?.party ?? 0;
      return members
        .filter(({ party }) => party !== me && !epoch.material.includes(party))
        .map(({ party, node }) => ({ key, epoch, me, party, node }));
    });
  }

  /** The ECDSA keys in use. A frozen one waits: its operator wants nothing done with it. */
  #current(): readonly (readonly [KeyInfo, EpochInfo])[] {
    return this.#workshop.keys
      .list()
      .flatMap((key) =>
        key.scheme === 'ecdsa' && key.current !== undefined && !key.frozen ? [[key, key.current] as const] : [],
      );
  }

  #members({ scheme }: KeyInfo, { publicPackage }: EpochInfo): readonly Member[] {
    if (scheme !== 'ecdsa') return [];
    return publicPackageOf(groupOf('ecdsa', this.#workshop.tools.groups), publicPackage).members;
  }
}

function patience({ me, party }: Missing): number {
  return me < party ? 0 : limits.pairPatience;
}

function placeOf({ key, epoch, party }: Missing): string {
  return `${toHex(key.keyId)}/${epoch.epoch}/${party}`;
}
