import { type Aead, aeadOverhead, concat, equal, type NodeKey, type SignatureScheme } from '@quorate/protocol';
import { idealMultiplication } from '@quorate/protocol/simulation';
import { type Identity, peerIdOf } from '../../packages/node/src/network/identity.ts';
import type { Tools } from '../../packages/node/src/tools.ts';
import { pureEcdh } from '../../packages/protocol/src/dkls23/ecdh.ts';
import { toy } from '../../packages/protocol/src/groups/toy.ts';
import { Dice } from './dice.ts';
import { sha256, sha512 } from './openssl-hashes.ts';

/** Stands in for ChaCha20-Poly1305: who has not the very key, nonce, data and ciphertext opens nothing, and reads nothing. */
export const toyAead: Aead = {
  name: 'toy',
  seal: (key, nonce, aad, plaintext) => {
    const ciphertext = mask(key, nonce, plaintext);
    return concat(ciphertext, tag(key, nonce, aad, ciphertext));
  },
  open: (key, nonce, aad, sealed) => {
    const ciphertext = sealed.subarray(0, -aeadOverhead);
    return equal(tag(key, nonce, aad, ciphertext), sealed.subarray(-aeadOverhead))
      ? mask(key, nonce, ciphertext)
      : undefined;
  },
};

function mask(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
  const masked = new Dice(Buffer.concat([key, nonce]).toString('latin1')).bytes(bytes.length);
  for (let i = 0; i < bytes.length; i++) masked[i] = (masked[i] as number) ^ (bytes[i] as number);
  return masked;
}

function tag(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return sha256Of(key, nonce, Uint8Array.of(aad.length & 255), aad, ciphertext).subarray(0, aeadOverhead);
}

/** Stands in for Ed25519: a hash under the *public* key. Anybody could forge it; the simulator signs for corrupted nodes only. */
const toySignatures: SignatureScheme = {
  name: 'toy',
  verify: (publicKey, message, signature) => equal(toySign(publicKey, message), signature),
  sha256: (message) => sha256Of(message),
};

export function toyIdentity(seed: Uint8Array): Identity {
  const publicKey = sha256Of(seed);
  return { ...toyKey(publicKey), peer: peerIdOf(publicKey) };
}

function toyKey(publicKey: Uint8Array): NodeKey {
  return { publicKey, sign: (message) => toySign(publicKey, message), sha256: (message) => sha256Of(message) };
}

function toySign(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return sha512(Buffer.concat([publicKey, message]));
}

function sha256Of(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(Buffer.concat(parts));
}

/** Microseconds for everything: the toy group in both places, and what multiplies in it. */
export function toyTools(): Tools {
  return {
    groups: { ed25519: toy, secp256k1: toy },
    aead: toyAead,
    signatures: toySignatures,
    ecdh: pureEcdh(toy),
    multiplication: idealMultiplication(toy),
  };
}
