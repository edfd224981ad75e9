import { type Aead, ed25519, type Groups, type SignatureScheme, secp256k1 } from '@quorate/protocol';
import { libsecp256k1, nativeAead, nativeEd25519, sodiumEd25519 } from '@quorate/protocol/native';

/** The libraries that compute, behind the protocol package's seams. */
export interface Tools {
  readonly groups: Groups;
  readonly aead: Aead;
  readonly signatures: SignatureScheme;
}

/** The fastest that this machine has: libsodium and libsecp256k1 where their optional packages are installed, else noble. */
export function nativeTools(): Tools {
  return {
    groups: { ed25519: sodiumEd25519() ?? ed25519, secp256k1: libsecp256k1() ?? secp256k1 },
    aead: nativeAead,
    signatures: nativeEd25519,
  };
}
