import { type Aead, dkls23, ed25519, type Groups, type SignatureScheme, secp256k1 } from '@quorate/protocol';
import {
  libsecp256k1,
  nativeAead,
  nativeEcdh,
  nativeEd25519,
  nativeSymmetric,
  sodiumEd25519,
} from '@quorate/protocol/native';

/** The libraries that compute, behind the protocol package's seams. */
export interface Tools {
  readonly groups: Groups;
  readonly aead: Aead;
  readonly signatures: SignatureScheme;
  /** Diffie-Hellman on secp256k1 with a secret scalar, for base transfers. */
  readonly ecdh: dkls23.EcdhX;
  /** The two-party multiplication of threshold ECDSA. */
  readonly multiplication: dkls23.Multiplication;
}

/** The fastest that this machine has: libsodium and libsecp256k1 where their optional packages are installed, else noble. */
export function nativeTools(): Tools {
  const groups = { ed25519: sodiumEd25519() ?? ed25519, secp256k1: libsecp256k1() ?? secp256k1 };
  return {
    groups,
    aead: nativeAead,
    signatures: nativeEd25519,
    ecdh: nativeEcdh(groups.secp256k1),
    multiplication: dkls23.pairMultiplication({ suite: dkls23.suiteA, symmetric: nativeSymmetric }),
  };
}
