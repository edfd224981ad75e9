import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import type { NodeKey, Secret } from '@quorate/protocol';
import { nativeEd25519, nativeNodeKey } from '@quorate/protocol/native';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { PeerId } from './network.ts';

/** Who a node is: an Ed25519 key. The PeerId is another spelling of the public key, so a roster names public keys. */
export interface Identity extends NodeKey {
  readonly peer: PeerId;
}

/** The identity whose Ed25519 seed (32 bytes) this is; keeps no reference to `seed`. @throws {NodeError} `identity-invalid` */
export function identityOf(seed: Secret): Identity {
  if (seed.length !== 32)
    throw new NodeError('identity-invalid', 'an identity seed has 32 bytes; restore the data folder');
  const key = seed.use(nativeNodeKey);
  return { ...key, peer: peerIdOf(key.publicKey) };
}

/** The PeerId of an Ed25519 public key of 32 bytes. @throws {NodeError} `identity-invalid` */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  if (publicKey.length !== 32) throw new NodeError('identity-invalid', 'an Ed25519 public key has 32 bytes');
  return peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString();
}

/** Keys of the PeerIds that were read last: reading one takes tens of microseconds, and the same few come with every message. */
const read = new Map<PeerId, Uint8Array>();

/** The Ed25519 public key, 32 bytes, that a PeerId holds. Not to be changed. @throws {NodeError} `identity-invalid` */
export function publicKeyOf(peer: PeerId): Uint8Array {
  const known = read.get(peer);
  if (known !== undefined) return known;
  const key = readPublicKey(peer);
  if (read.size >= limits.members) read.clear();
  read.set(peer, key);
  return key;
}

function readPublicKey(peer: PeerId): Uint8Array {
  const invalid = (why: string): NodeError =>
    new NodeError(
      'identity-invalid',
      `not an Ed25519 PeerId: ${why}; \`quorate init\` on that node prints it (12D3KooW…)`,
    );
  let parsed: ReturnType<typeof peerIdFromString>;
  try {
    parsed = peerIdFromString(peer);
  } catch {
    throw invalid('it does not parse');
  }
  if (parsed.type !== 'Ed25519') throw invalid(`its key is of type ${parsed.type}`);
  // One spelling per node: a CID of the same key would be another string, hence another member.
  if (parsed.toString() !== peer) throw invalid(`it is spelled ${parsed.toString()}`);
  return parsed.publicKey.raw;
}

/** Whether `signature` is that of `peer` over `message`. @throws {NodeError} `identity-invalid` for a PeerId that is none */
export function verifyFrom(peer: PeerId, message: Uint8Array, signature: Uint8Array): boolean {
  return nativeEd25519.verify(publicKeyOf(peer), message, signature);
}
