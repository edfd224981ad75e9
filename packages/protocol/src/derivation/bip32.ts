import { concat, fromBytesBE, u32 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { hmac, sha512 } from '../primitives/hash.ts';

/** A key derived from another one without its secret: its logarithm is that of the other plus `tweak`. */
export interface DerivedKey {
  readonly key: Point;
  /** 32 bytes. */
  readonly chainCode: Uint8Array;
  /** ε, the sum of I_L along the path, in [0, q). Public. */
  readonly tweak: bigint;
}

/** From here on, an index is hardened: it needs the whole private key, which nobody has. */
const HARDENED = 2 ** 31;

/**
 * CKDpub of BIP-32, along `path`. Whoever has one derived private key and the chain code has the root's.
 * @param path as {@link parsePath} gives it
 * @throws {DerivationError} `no-key` where BIP-32 has no key, once in 2^127 indices: take the next one
 */
export function derive(group: Group, key: Point, chainCode: Uint8Array, path: readonly number[]): DerivedKey {
  let derived: DerivedKey = { key, chainCode, tweak: 0n };
  for (const index of path) derived = deriveChild(group, derived, index);
  return derived;
}

function deriveChild(group: Group, parent: DerivedKey, index: number): DerivedKey {
  if (index >= HARDENED) throw new DerivationError('hardened', 'a hardened key cannot be derived from a public one');
  const digest = hmac(sha512, parent.chainCode, concat(group.encodePoint(parent.key), u32(index)));
  const left = fromBytesBE(digest.subarray(0, 32));
  if (left >= group.order) throw new DerivationError('no-key', 'BIP-32 has no key at this index');
  const key = group.add(parent.key, group.multiplyBase(left));
  if (group.isIdentity(key)) throw new DerivationError('no-key', 'BIP-32 has no key at this index');
  return { key, chainCode: digest.slice(32), tweak: (parent.tweak + left) % group.order };
}

/**
 * The indices of `m/44/60/0/0/7`; of `m` none.
 * @throws {DerivationError} `hardened` for `44'`, `44h` and indices from 2^31 on, `path` for everything else that is no path
 */
export function parsePath(text: string): readonly number[] {
  if (!/^m(?:\/(?:0|[1-9][0-9]{0,9})['hH]?){0,255}$/.test(text)) {
    throw new DerivationError('path', 'not a path such as m/44/60/0/0/7');
  }
  return text
    .split('/')
    .slice(1)
    .map((step) => {
      const index = /^[0-9]+$/.test(step) ? Number(step) : HARDENED;
      if (index >= HARDENED)
        throw new DerivationError('hardened', `${step} is hardened, and a shared key has no such child`);
      return index;
    });
}

/** A key that cannot be derived. */
export class DerivationError extends Error {
  override readonly name = 'DerivationError';
  readonly code: 'path' | 'hardened' | 'no-key';

  constructor(code: DerivationError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
