import { wire } from '@quorate/protocol';
import type { Argon2idParameters, KdfParameters, ScryptParameters } from './passphrase.ts';

/** The place of the header: the one record that is not sealed as a whole, since it says how to open the others. */
export const headerPlace = 'header';

/** How the root key is come by. */
export type RootDescription = KdfParameters | { readonly type: 'key-file'; readonly value: Record<string, never> };

export interface Header extends Record<string, unknown> {
  readonly version: number;
  readonly network: Uint8Array;
  readonly node: Uint8Array;
  readonly root: RootDescription;
  /** For the key derivation; random and unused with a key file. */
  readonly salt: Uint8Array;
  /** The store key, sealed under the root key: its key commitment is what tells a wrong passphrase. */
  readonly storeKey: Uint8Array;
}

export const headerVersion = 1;

export const headerCodec: wire.Codec<Header> = wire.struct<Header>({
  version: wire.version(headerVersion),
  network: wire.bytes(64),
  node: wire.bytes(64),
  root: wire.choice<{ 'key-file': Record<string, never>; argon2id: Argon2idParameters; scrypt: ScryptParameters }>({
    'key-file': wire.struct({}),
    argon2id: wire.struct<Argon2idParameters>({ memory: wire.u32, passes: wire.u16, parallelism: wire.u16 }),
    scrypt: wire.struct<ScryptParameters>({ cost: wire.u8, blockSize: wire.u16, parallelism: wire.u16 }),
  }),
  salt: wire.fixed(16),
  storeKey: wire.bytes(256),
});
