import { type Aead, aeadOverhead } from '@quorate/protocol';

/** What members sealed on their disks: whoever checks them reads everything. */
export class Kept {
  readonly #plaintexts = new Map<string, Uint8Array>();

  /** What a member seals its records with. */
  aeadOf(aead: Aead): Aead {
    return {
      name: aead.name,
      seal: (key, nonce, aad, plaintext) => {
        const sealed = aead.seal(key, nonce, aad, plaintext);
        this.#plaintexts.set(tagOf(sealed), plaintext.slice());
        return sealed;
      },
      open: (key, nonce, aad, sealed) => aead.open(key, nonce, aad, sealed),
    };
  }

  /** What is in a record. Of one that was damaged there may be nothing. */
  in(record: Uint8Array): Uint8Array | undefined {
    return this.#plaintexts.get(tagOf(record));
  }
}

/** A record ends with its tag, which no other has. */
function tagOf(sealed: Uint8Array): string {
  return String.fromCharCode(...sealed.subarray(-aeadOverhead));
}
