import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Whether a secret is in a text, in any spelling. */
export function found(secret: Uint8Array, text: Buffer): boolean {
  return spellings(secret).some((spelling) => text.includes(spelling));
}

/** The ways in which bytes get printed or kept: as they are and reversed (scalars have either order). */
export function spellings(secret: Uint8Array): readonly Buffer[] {
  return [Buffer.from(secret), Buffer.from(secret).reverse()].flatMap((bytes) => [
    bytes,
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    Buffer.from(bytes.toString('base64').replace(/=+$/, '')),
    Buffer.from(bytes.toString('base64url')),
    Buffer.from(BigInt(`0x${bytes.toString('hex')}`).toString()),
    Buffer.from([...bytes].join()),
    Buffer.from([...bytes].join(', ')),
  ]);
}

/** The paths of all files in a folder and the folders in it. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
