import { wire } from '@quorate/protocol';
import { limits } from '../limits.ts';

/**
 * How far an epoch has come; it only ever moves on.
 *
 * - `prepared`: the share is on disk and was read back. The node may sign READY for this statement, and for no other of
 *   this epoch. Nobody else need have a share. Never forgotten on a timeout: the certificate may come late.
 * - `certified`: the certificate (READY of the whole committee) is on disk, so the epoch may be used. The others need not know it.
 * - `active`: the others were told.
 * - `retiring`: a higher epoch is active. The share is still there, and nothing is signed with it or dealt from it.
 * - `shredded`: data key, share, set-ups and second copy are destroyed. `erased` is 1 once no file holds them any more. What is
 *   public stays, and with it the number, which never comes back; and the certificate, if there was one, for whoever missed it.
 *
 * Two more are of epochs of which this node has no share:
 *
 * - `approved`: this node dealt into it and leaves the committee. It may sign an approval of this statement, and of no other of
 *   this epoch. Its own epoch is in use as before.
 * - `elsewhere`: certified, by this certificate. The key is with the members of that epoch. It takes the place of another attempt
 *   under its number that this node approved, or prepared, whose secrets are shredded first.
 */
export type EpochState =
  | { readonly type: 'prepared'; readonly value: Record<string, never> }
  | { readonly type: 'certified'; readonly value: Uint8Array }
  | { readonly type: 'active'; readonly value: Uint8Array }
  | { readonly type: 'retiring'; readonly value: Uint8Array }
  | { readonly type: 'shredded'; readonly value: { readonly erased: number; readonly certificate: Uint8Array } }
  | { readonly type: 'approved'; readonly value: Record<string, never> }
  | { readonly type: 'elsewhere'; readonly value: Uint8Array };

/** One sharing of a key, as far as it is public. */
export interface EpochRecord extends Record<string, unknown> {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly publicPackage: Uint8Array;
  /** The digest of the one statement, READY or approval, that this node may sign for this epoch. */
  readonly statement: Uint8Array;
  readonly state: EpochState;
}

export interface KeyRecord extends Record<string, unknown> {
  readonly version: number;
  readonly name: string;
  readonly scheme: string;
  /** 1 while the operator forbids signing. */
  readonly frozen: number;
  /** 1 once the private key was put together somewhere. It never goes back. */
  readonly exported: number;
}

export const keyRecordVersion = 1;

export const epochCodec: wire.Codec<EpochRecord> = wire.struct<EpochRecord>({
  version: wire.version(keyRecordVersion),
  createdAt: wire.u48,
  publicPackage: wire.bytes(limits.publicPackageBytes),
  statement: wire.fixed(32),
  state: wire.choice<{
    prepared: Record<string, never>;
    certified: Uint8Array;
    active: Uint8Array;
    retiring: Uint8Array;
    shredded: { readonly erased: number; readonly certificate: Uint8Array };
    approved: Record<string, never>;
    elsewhere: Uint8Array;
  }>({
    prepared: wire.struct({}),
    certified: wire.bytes(limits.certificateBytes),
    active: wire.bytes(limits.certificateBytes),
    retiring: wire.bytes(limits.certificateBytes),
    shredded: wire.struct({ erased: wire.u8, certificate: wire.bytes(limits.certificateBytes) }),
    approved: wire.struct({}),
    elsewhere: wire.bytes(limits.certificateBytes),
  }),
});

export const keyCodec: wire.Codec<KeyRecord> = wire.struct<KeyRecord>({
  version: wire.version(keyRecordVersion),
  name: wire.text(limits.nameCharacters),
  scheme: wire.text(limits.nameCharacters),
  frozen: wire.u8,
  exported: wire.u8,
});
