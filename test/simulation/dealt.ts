import { type Aead, toHex } from '@quorate/protocol';
import type { Seat } from './world.ts';

/** A share, or a part of one, that a member sealed to another. */
export interface DealtShare {
  readonly dealer: Seat;
  /** Which dealing of the dealer's, and to whom. */
  readonly dealing: string;
  readonly to: string;
  /** Under which it was sealed. */
  readonly key: string;
  readonly plaintext: Uint8Array;
}

/** Everything that members seal to each other, and the keys that the adversary's members come to know. */
export class Dealt {
  readonly shares: DealtShare[] = [];
  readonly known = new Set<string>();

  /** What a member seals and opens with. */
  aeadOf(seat: Seat, aead: Aead): Aead {
    const use = (key: Uint8Array): string => {
      const name = toHex(key);
      if (seat.isCorrupt) this.known.add(name);
      return name;
    };
    return {
      name: aead.name,
      seal: (key, nonce, aad, plaintext) => {
        // Session, dealer, recipient and label, each behind its length, behind their number.
        const dealing = toHex(aad.subarray(0, 58)) + toHex(aad.subarray(68));
        const to = toHex(aad.subarray(58, 68));
        this.shares.push({ dealer: seat, dealing, to, key: use(key), plaintext: plaintext.slice() });
        return aead.seal(key, nonce, aad, plaintext);
      },
      open: (key, nonce, aad, sealed) => {
        use(key);
        return aead.open(key, nonce, aad, sealed);
      },
    };
  }
}
