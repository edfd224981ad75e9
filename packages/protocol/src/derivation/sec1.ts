import { concat, fromBytesBE, toBytesBE } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';

/** The prime of secp256k1's field. */
const FIELD = 2n ** 256n - 2n ** 32n - 977n;

/**
 * A public key of secp256k1 as 04 ‖ x ‖ y (SEC 1 §2.3.3, §2.3.4).
 * @param publicKey 33 bytes, compressed
 * @returns 65 bytes
 * @throws {EncodingError} if it is no point in that form
 */
export function uncompressed(publicKey: Uint8Array): Uint8Array {
  const prefix = publicKey[0];
  const x = fromBytesBE(publicKey.subarray(1));
  if (publicKey.length !== 33 || (prefix !== 2 && prefix !== 3) || x >= FIELD) throw new EncodingError('not a point');
  const square = (x * x * x + 7n) % FIELD;
  const root = power(square, (FIELD + 1n) / 4n);
  if ((root * root) % FIELD !== square) throw new EncodingError('not a point');
  const y = (root & 1n) === BigInt(prefix & 1) ? root : FIELD - root;
  return concat(Uint8Array.of(4), publicKey.subarray(1), toBytesBE(y, 32));
}

/** base^exponent in the field, in variable time: public values only. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % FIELD;
    if (bit === '1') result = (result * base) % FIELD;
  }
  return result;
}
