import { hash, type NodeKey, type SignatureScheme, wire } from '@quorate/protocol';

/** Something that is signed as a whole by a key that it names. */
export interface SignedFormat<T extends { readonly signature: Uint8Array }, S extends keyof T> {
  readonly codec: wire.Codec<T>;
  /** Signs with the key of whoever it names. */
  sign(unsigned: Omit<T, 'signature' | S>, key: NodeKey): T;
  /** Whether whoever it names signed it. */
  verify(value: T, signatures: SignatureScheme): boolean;
  /** The hash of everything that is signed, 32 bytes: what participants register for. */
  digest(unsigned: Omit<T, 'signature'>): Uint8Array;
}

type Fields<T> = { readonly [K in keyof T]: wire.Codec<T[K]> };

/**
 * The format of what is signed as a whole: a version, the fields, and the signature of their hash.
 * @param fields in the order in which they are encoded; `what` tells formats apart that come under one kind
 * @param signer the field that holds the signer's public key, 32 bytes
 */
export function signedFormat<T extends { readonly signature: Uint8Array }, S extends keyof T>(
  tag: string,
  version: number,
  fields: { readonly [K in Exclude<keyof T, 'signature'>]: wire.Codec<T[K]> } & { readonly what?: wire.Codec<number> },
  signer: S,
): SignedFormat<T, S> {
  type Statement = Omit<T, 'signature'>;
  const statement = wire.versioned<Statement>(version, fields);
  const signed = { ...fields, signature: wire.fixed(64) };
  const digest = (unsigned: Statement): Uint8Array => hash(tag, wire.encode(statement, unsigned));
  return {
    codec: wire.versioned(version, signed as unknown as Fields<T>),
    digest,
    sign: (unsigned, key) => {
      const named = { ...unsigned, [signer]: key.publicKey } as unknown as Statement;
      return { ...named, signature: key.sign(digest(named)) } as unknown as T;
    },
    verify: (value, signatures) => signatures.verify(value[signer] as Uint8Array, digest(value), value.signature),
  };
}
