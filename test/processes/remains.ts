import { readFile } from 'node:fs/promises';
import { toHex } from '@quorate/protocol';
import type { Home } from '../../packages/node/src/home.ts';
import type { TestnetNode } from '../../scripts/testnet/testnet.ts';
import { filesBelow } from '../support/canaries.ts';

/** A sealed record, as it is on the disk. */
export interface Sealed {
  readonly place: string;
  readonly bytes: Uint8Array;
}

/** The sealed secrets of one epoch of a key: data key, share, and what is set up with others. */
export async function secretsOf({ store }: Home, keyId: Uint8Array, epoch: number): Promise<readonly Sealed[]> {
  const place = epochName(keyId, epoch);
  const sealed: Sealed[] = [];
  for (const kind of ['data-keys', 'shares', 'material'])
    for await (const [found, bytes] of store.entries(`${kind}/${place}`)) sealed.push({ place: found, bytes });
  return sealed;
}

/** Where the data key of an epoch is, or was. */
export function dataKeyAt(keyId: Uint8Array, epoch: number): string {
  return `data-keys/${epochName(keyId, epoch)}`;
}

/**
 * Every byte that a node has in files. LevelDB cuts what it logs into blocks with headers in between, so its logs come once more
 * without them.
 */
export async function rawFiles({ data }: Pick<TestnetNode, 'data'>): Promise<readonly Buffer[]> {
  const all: Buffer[] = [];
  for (const path of await filesBelow(data)) {
    // LevelDB may remove one while this looks at them.
    const file = await readFile(path).catch(() => Buffer.alloc(0));
    all.push(file);
    if (path.endsWith('.log')) all.push(withoutHeaders(file));
  }
  return all;
}

/** How many of these records are in the files. Salt and commitment are looked for: without them nothing is opened. */
export function present(files: readonly Buffer[], sealed: readonly Sealed[]): number {
  return sealed.filter(({ bytes }) => files.some((file) => file.includes(bytes.subarray(1, 65)))).length;
}

/**
 * Tries whatever stands at any place of any file as the data key that belongs at `place`, with the keys that the root opens.
 * @param like a sealed data key, for its length
 * @returns how often one opened
 */
export function openable({ keyring }: Home, files: readonly Buffer[], place: string, like: Uint8Array): number {
  let opened = 0;
  // Version and the ciphertext's length: what has others is no data key.
  const length = Buffer.from(like.subarray(65, like.length - 48));
  for (const file of files) {
    for (let at = file.indexOf(length, 65); at >= 0; at = file.indexOf(length, at + 1)) {
      if (file[at - 65] !== like[0]) continue;
      const candidate = new Uint8Array(file.subarray(at - 65, at - 65 + like.length));
      if (keyring.records.unseal(place, 'data-key', candidate) !== undefined) opened += 1;
    }
  }
  return opened;
}

function epochName(keyId: Uint8Array, epoch: number): string {
  return `${toHex(keyId)}/${String(epoch).padStart(10, '0')}`;
}

/** LevelDB's log: blocks of 32 KiB, in which a header of 7 bytes (checksum, length, type) stands before each piece. */
function withoutHeaders(log: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let block = 0; block < log.length; block += 32_768) {
    const end = Math.min(block + 32_768, log.length);
    for (let at = block; at + 7 <= end; ) {
      const length = log.readUInt16LE(at + 4);
      pieces.push(log.subarray(at + 7, Math.min(at + 7 + length, end)));
      at += 7 + length;
    }
  }
  return Buffer.concat(pieces);
}
