import { ascii, equal, u16, u32 } from '../bytes.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import type { Party } from '../protocol.ts';
import { type Randomness, seeded } from '../random.ts';
import { tags } from '../tags.ts';
import { hash, hash512 } from '../transcript.ts';

/** 32 bytes that follow from a simulation's seed: ids, node seeds. */
export function seededBytes(seed: number, purpose: string, party: Party = 0): Uint8Array {
  return hash(tags.simulation, ascii(purpose), u32(seed), u16(party));
}

/** The stream that a party, or the simulator itself, draws from. */
export function seededStream(seed: number, purpose: string, party: Party = 0): Randomness {
  return seeded(seededBytes(seed, purpose, party));
}

/** The session id of the simulation with this seed. */
export function simulatedSid(seed: number): Uint8Array {
  return seededBytes(seed, 'sid');
}

/**
 * Stands in for Ed25519 where thousands of sessions are simulated: a hash under the *public* key. Anybody can forge it;
 * the simulator signs for corrupted parties only.
 */
export const toySignatures: SignatureScheme = {
  name: 'toy',
  verify: (publicKey, message, signature) => equal(toySign(publicKey, message), signature),
};

/** The key of a simulated node. */
export function toyNodeKey(seed: Uint8Array): NodeKey {
  const publicKey = hash(tags.simulation, ascii('node key'), seed);
  return { publicKey, sign: (message) => toySign(publicKey, message) };
}

function toySign(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return hash512(tags.simulation, ascii('signature'), publicKey, message);
}
