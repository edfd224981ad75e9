import {
  type dkls23,
  equal,
  hash,
  MAX_OFFERED_PRESIGNATURES,
  type Member,
  type Party,
  type PresignatureOffer,
  toHex,
} from '@quorate/protocol';
import type { Clock } from '../../clock.ts';
import { limits } from '../../limits.ts';
import { tags } from '../../tags.ts';

/** What a presignature can be used for. */
export interface PresignatureUse {
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** All who sign with it, ascending. */
  readonly signers: readonly Member[];
}

interface Kept extends PresignatureUse {
  readonly presignature: dkls23.Presignature;
  /** The request for which it is kept, if any. */
  reserved: string | undefined;
  /** For how many requests it was kept in vain. */
  misses: number;
  /** Stops its clock. */
  readonly cancel: () => void;
}

/**
 * The presignatures of this node: in memory only, so that none survives the process. Each is reserved for one request at a
 * time, and leaves the pool before it is used, for good. What may not be used any more is wiped: nothing brings it back.
 */
export class PresignaturePool {
  readonly #clock: Clock;
  readonly #perKey: number;
  /** By id, oldest first. */
  readonly #kept = new Map<string, Kept>();

  /** @param perKey how many are kept for a key at most; zero for none */
  constructor(clock: Clock, perKey: number) {
    this.#clock = clock;
    this.#perKey = perKey;
  }

  /** How many are kept for a key. */
  count(keyId: Uint8Array): number {
    return this.#of(keyId).length;
  }

  /** Takes over a presignature. Where there is no room, the oldest that no request waits for makes it: it is what is out of step first. */
  add(presignature: dkls23.Presignature, { keyId, epoch, signers }: PresignatureUse): void {
    const id = toHex(presignature.id);
    if (this.#of(keyId).length >= this.#perKey) this.#dropOldest(this.#of(keyId));
    if (this.#kept.size >= limits.presignatures) this.#dropOldest([...this.#kept]);
    if (this.#kept.has(id) || this.#of(keyId).length >= this.#perKey || this.#kept.size >= limits.presignatures) {
      presignature.wipe();
      return;
    }
    const cancel = this.#clock.after(limits.presignatureAge, () => this.#drop(id));
    this.#kept.set(id, { keyId, epoch, signers, presignature, reserved: undefined, misses: 0, cancel });
  }

  /**
   * Keeps some presignatures for a request, until it is released: of the newest set of signers, because that is the one that
   * can still sign; chosen by request and id, so that all signers choose alike.
   */
  reserve(request: Uint8Array, keyId: Uint8Array, epoch: number): PresignatureOffer {
    const name = toHex(request);
    const free = this.#of(keyId).filter(([, kept]) => kept.epoch === epoch && kept.reserved === undefined);
    const newest = free.at(-1)?.[1];
    if (newest === undefined) return { signers: [], ids: [] };
    const able = free.filter(([, kept]) => sameSigners(kept, newest));
    // Few of them: the next request, which others may have seen first, must find what they found.
    const chosen = able
      .map(([, kept]) => ({ kept, weight: toHex(hash(tags.presignatureChoice, request, kept.presignature.id)) }))
      .sort((a, b) => (a.weight < b.weight ? -1 : 1))
      .slice(0, Math.min(MAX_OFFERED_PRESIGNATURES, Math.ceil(able.length / 4)));
    for (const { kept } of chosen) kept.reserved = name;
    return {
      signers: newest.signers.map(({ party }) => party),
      ids: chosen.map(({ kept }) => kept.presignature.id),
    };
  }

  /** Whether this presignature is kept for this request, and for these signers. */
  holds(request: Uint8Array, id: Uint8Array, signers: readonly Party[]): boolean {
    const kept = this.#kept.get(toHex(id));
    return (
      kept?.reserved === toHex(request) &&
      kept.signers.length === signers.length &&
      kept.signers.every(({ party }, i) => party === signers[i])
    );
  }

  /**
   * A presignature that was kept for this request, once: it is the caller's, who uses or wipes it. What else was kept for the
   * request is free again.
   */
  take(request: Uint8Array, id: Uint8Array): dkls23.Presignature | undefined {
    const place = toHex(id);
    const kept = this.#kept.get(place);
    if (kept?.reserved !== toHex(request)) return undefined;
    this.#kept.delete(place);
    kept.cancel();
    for (const other of this.#kept.values()) if (other.reserved === kept.reserved) other.reserved = undefined;
    return kept.presignature;
  }

  /** The request goes on without what was kept for it: not all signers had it for it. If that happens again, not all have it at all. */
  release(request: Uint8Array): void {
    const name = toHex(request);
    for (const [id, kept] of this.#kept) {
      if (kept.reserved !== name) continue;
      kept.reserved = undefined;
      if (++kept.misses >= limits.presignatureMisses) this.#drop(id);
    }
  }

  /** Drops what was made with this node: of all keys, or of one whose set-up with it changes. */
  dropWith(node: Uint8Array, keyId?: Uint8Array): void {
    this.#dropIf(
      (kept) =>
        (keyId === undefined || equal(kept.keyId, keyId)) && kept.signers.some((signer) => equal(signer.node, node)),
    );
  }

  /** Drops what belongs to another epoch of the key than this one. */
  moveTo(keyId: Uint8Array, epoch: number): void {
    this.#dropIf((kept) => equal(kept.keyId, keyId) && kept.epoch !== epoch);
  }

  /** Wipes everything. */
  close(): void {
    this.#dropIf(() => true);
  }

  #of(keyId: Uint8Array): readonly (readonly [string, Kept])[] {
    return [...this.#kept].filter(([, kept]) => equal(kept.keyId, keyId));
  }

  #dropOldest(all: readonly (readonly [string, Kept])[]): void {
    const oldest = all.find(([, { reserved }]) => reserved === undefined);
    if (oldest !== undefined) this.#drop(oldest[0]);
  }

  #dropIf(condition: (kept: Kept) => boolean): void {
    for (const [id, kept] of this.#kept) if (condition(kept)) this.#drop(id);
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    kept?.cancel();
    kept?.presignature.wipe();
  }
}

function sameSigners(a: PresignatureUse, b: PresignatureUse): boolean {
  return a.signers.length === b.signers.length && a.signers.every(({ party }, i) => party === b.signers[i]?.party);
}
