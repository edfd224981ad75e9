import { randomFillSync } from 'node:crypto';
import { openSync, readSync } from 'node:fs';
import type { Randomness } from '@quorate/protocol';

/** OpenSSL's generator lives in the process: the copy of a running machine repeats what it gives. */
const library: Randomness = { bytes: (length) => randomFillSync(new Uint8Array(length)) };

/** The kernel's generator, which hypervisors tell of a copy. Undefined on systems that have no such file. */
function kernel(): Randomness | undefined {
  let file: number;
  try {
    file = openSync('/dev/urandom', 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      for (let filled = 0; filled < length; ) filled += readSync(file, out, filled, length - filled, null);
      return out;
    },
  };
}

/** As good as the better of two independent sources. */
export function mixed(one: Randomness, other: Randomness): Randomness {
  return {
    bytes(length) {
      const out = one.bytes(length);
      const rest = other.bytes(length);
      for (let i = 0; i < length; i++) out[i] = (out[i] as number) ^ (rest[i] as number);
      rest.fill(0);
      return out;
    },
  };
}

const fromKernel = kernel();

/** The operating system's randomness. Secrets are drawn through `hedged` of the protocol package, never from here alone. */
export const systemRandomness: Randomness = fromKernel === undefined ? library : mixed(library, fromKernel);
