import { equal, groupOf, type Member, type Party, toHex, wire } from '@quorate/protocol';
import { rendezvous } from '../../coordination/election.ts';
import { limits } from '../../limits.ts';
import type { PeerId } from '../../network/network.ts';
import { preparations, proposePreparation } from '../../policy/preparation.ts';
import { apartFrom } from '../multiplying.ts';
import { publicPackageOf } from '../packages.ts';
import type { Workshop } from '../task.ts';

export interface RefillPort {
  peerOf(node: Uint8Array): PeerId;
  /** Members that are connected, oneself included. */
  live(): ReadonlySet<PeerId>;
  /** Whether a ceremony is open that somebody waits for. */
  busy(): boolean;
  /** Begins a presigning. Whatever becomes of it, `ended` is told; rejects if this node itself refuses it. */
  propose(body: Uint8Array): Promise<void>;
}

/** A key that signed lately. */
interface Wanted {
  readonly keyId: Uint8Array;
  /** Monotonic time until which it is assumed to sign again. */
  readonly until: number;
}

interface Plan {
  readonly name: string;
  readonly epoch: number;
  readonly parties: readonly Party[];
  /** How many would rather propose it. */
  readonly rank: number;
}

/**
 * Fills the pool while nobody waits for anything: one presigning after the other, for keys that signed lately. All members
 * put the parties of a key in one order; the first t that are there sign, and the first of them proposes, or after a while
 * the next one. Who refuses or is silent is left out for some time.
 */
export class Refill {
  readonly #workshop: Workshop;
  readonly #port: RefillPort;
  readonly #wanted = new Map<string, Wanted>();
  readonly #avoided = new Map<PeerId, number>();
  /** What this node proposed and is not over, by request id. */
  #underWay: string | undefined;
  #failures = 0;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(workshop: Workshop, port: RefillPort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  /** A signature was made with this key. */
  signed(keyId: Uint8Array): void {
    const until = this.#workshop.clock.monotonic() + limits.presignatureDemand;
    this.#wanted.set(toHex(keyId), { keyId, until });
  }

  /** Something began or ended: what is to be done, if anything, is looked at after a moment of quiet. */
  stir(): void {
    if (this.#underWay === undefined) this.#lookAfter(limits.presignIdle + (this.#failures > 0 ? this.#backOff() : 0));
  }

  /** A presigning is over, ours or another's. @param absent who declined it, or was silent or worse */
  ended(request: Uint8Array, succeeded: boolean, absent: Iterable<PeerId>): void {
    if (this.#underWay !== toHex(request)) return this.stir();
    this.#underWay = undefined;
    this.#failures = succeeded ? 0 : this.#failures + 1;
    const until = this.#workshop.clock.monotonic() + limits.presignAvoided;
    for (const peer of absent) this.#avoided.set(peer, until);
    this.#lookAfter(succeeded ? limits.presignPause : this.#backOff());
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #backOff(): number {
    return Math.min(limits.presignBackOff * 2 ** this.#failures, limits.presignBackOffLongest);
  }

  #lookAfter(milliseconds: number, turn = 0): void {
    this.#cancel();
    if (this.#closed || this.#workshop.config.presignatures === 0) return;
    this.#cancel = this.#workshop.clock.after(milliseconds, () => this.#look(turn));
  }

  /** @param turn how many members had the time to propose something before this one */
  #look(turn: number): void {
    if (this.#closed || this.#underWay !== undefined || this.#port.busy()) return;
    const now = this.#workshop.clock.monotonic();
    let later = false;
    for (const [place, { keyId, until }] of this.#wanted) {
      const plan = until < now ? undefined : this.#plan(keyId, now);
      if (plan === undefined) {
        if (until < now) this.#wanted.delete(place);
      } else if (plan.rank > turn) later = true;
      else return this.#propose(place, plan);
    }
    if (later) this.#lookAfter(limits.presignTurn, turn + 1);
  }

  /** What is missing of a key, if it is on this node to propose it. */
  #plan(keyId: Uint8Array, now: number): Plan | undefined {
    const { config, key, keys, presignatures, tools } = this.#workshop;
    const info = keys.get(keyId);
    if (info?.current === undefined || info.frozen || presignatures.count(keyId) >= config.presignatures)
      return undefined;
    const publicPackage = publicPackageOf(groupOf('ecdsa', tools.groups), info.current.publicPackage);
    const { epoch, members, threshold } = publicPackage;
    const apart = apartFrom(publicPackage, this.#workshop);
    const live = this.#port.live();
    const isThere = ({ node, party }: Member): boolean => {
      const peer = this.#port.peerOf(node);
      return live.has(peer) && !apart.includes(party) && (this.#avoided.get(peer) ?? 0) <= now;
    };
    const order = rendezvous(
      'presigner',
      keyId,
      epoch,
      members.map(({ node }) => node),
    );
    const signers = order
      .flatMap((node) => members.find((member) => equal(member.node, node)) ?? [])
      .filter(isThere)
      .slice(0, threshold);
    const rank = signers.findIndex(({ node }) => equal(node, key.publicKey));
    if (signers.length < threshold || rank < 0) return undefined;
    return { name: info.name, epoch, rank, parties: signers.map(({ party }) => party).sort((a, b) => a - b) };
  }

  #propose(place: string, { name, epoch, parties }: Plan): void {
    const { clock, config, key, log, randomness } = this.#workshop;
    // The next key's turn comes first, next time.
    const wanted = this.#wanted.get(place) as Wanted;
    this.#wanted.delete(place);
    this.#wanted.set(place, wanted);
    const unsigned = {
      network: config.networkId,
      key: name,
      epoch,
      parties,
      expires: clock.now() + limits.presignLife,
    };
    const preparation = proposePreparation('presign', { ...unsigned, nonce: randomness.bytes(32) }, key);
    const request = preparations.digest(preparation);
    this.#underWay = toHex(request);
    this.#port.propose(wire.encode(preparations.codec, preparation)).catch((error: unknown) => {
      log.debug('could not propose a presignature', { key: name, error });
      this.ended(request, false, []);
    });
  }
}
