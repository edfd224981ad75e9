import { ascii, concat, EncodingError, equal, fromBytesBE, hash, tryDecode, u64, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type Identity, verifyFrom } from './identity.ts';
import type { PeerId } from './network.ts';

/** The version of everything that nodes say to each other. Another one is refused, and nobody blamed. */
const wireVersion = 1;

/** What a node says of itself when a channel opens. */
export interface Hello {
  readonly networkId: Uint8Array;
  /** Software version. */
  readonly version: string;
  readonly rosterHash: Uint8Array;
  /** u64 counter, raised and synced at each start ‖ 16 random bytes. */
  readonly bootEpoch: Uint8Array;
  /** 32 fresh bytes, which the other side has to sign. */
  readonly challenge: Uint8Array;
}

export const bootEpochBytes = 24;

const { fixed, text } = wire;

const body: wire.Codec<Hello> = wire.struct<Hello & Record<string, unknown>>({
  networkId: fixed(32),
  version: text(64),
  rosterHash: fixed(32),
  bootEpoch: fixed(bootEpochBytes),
  challenge: fixed(32),
});

/** Version byte ‖ fields: the version stands first in every version of the format. */
export function encodeHello(hello: Hello, version: number = wireVersion): Uint8Array {
  return concat(Uint8Array.of(version), wire.encode(body, hello));
}

/** The hello, or why the peer that sent it cannot be admitted. */
export function readHello(bytes: Uint8Array, networkId: Uint8Array): Hello | { readonly refused: string } {
  const [version] = bytes;
  if (version === undefined) return { refused: 'it greets with nothing' };
  if (version !== wireVersion) {
    return { refused: `format version ${version}, ours is ${wireVersion}; run the same release on both nodes` };
  }
  const hello = tryDecode(body, bytes.subarray(1))?.value;
  if (hello === undefined) return { refused: 'its greeting is malformed' };
  if (!equal(hello.networkId, networkId))
    return { refused: 'it belongs to another network; compare `network` in both node.yaml' };
  return hello;
}

/** A signature by the node's key: this hello is mine, now, and meant for you. */
export function prove(identity: Identity, own: Uint8Array, verifier: PeerId, challenge: Uint8Array): Uint8Array {
  return identity.sign(statement(own, identity.peer, verifier, challenge));
}

/** Whether `proof` is the one of `signer`, over its hello and the challenge that we gave it. */
export function verifyProof(
  signer: PeerId,
  hello: Uint8Array,
  verifier: PeerId,
  challenge: Uint8Array,
  proof: Uint8Array,
): boolean {
  return verifyFrom(signer, statement(hello, signer, verifier, challenge), proof);
}

/** Both names stand in it, in their roles: a statement reflected to its maker is not one about him. */
function statement(hello: Uint8Array, signer: PeerId, verifier: PeerId, challenge: Uint8Array): Uint8Array {
  return hash(tags.hello, challenge, ascii(signer), ascii(verifier), hello);
}

/** How often the node had started, by its own count. */
export function bootCounter(bootEpoch: Uint8Array): bigint {
  return fromBytesBE(bootEpoch.subarray(0, 8));
}

/** A boot epoch from its parts. @param counter u64 @param random 16 bytes @throws {EncodingError} for other lengths */
export function bootEpochOf(counter: bigint, random: Uint8Array): Uint8Array {
  if (random.length !== 16) throw new EncodingError('a boot epoch takes 16 random bytes');
  return concat(u64(counter), random);
}
