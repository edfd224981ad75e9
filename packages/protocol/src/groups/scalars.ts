import { fromBytesBE, fromBytesLE, toBytesBE, toBytesLE } from '../bytes.ts';
import { EncodingError, type Group } from './group.ts';

type ScalarCodec = Pick<Group, 'encodeScalar' | 'decodeScalar' | 'reduceScalar'>;

/** Wide reduction leaves a bias below 2^-128 for the 256-bit orders in use (RFC 9380 §5.1). */
const uniformBytes = 48;

/** The scalar half of a {@link Group}: integers modulo `order` as `length` bytes of the given byte order. */
export function scalarCodec(order: bigint, length: number, endian: 'big' | 'little'): ScalarCodec {
  const write = endian === 'big' ? toBytesBE : toBytesLE;
  const read = endian === 'big' ? fromBytesBE : fromBytesLE;
  return {
    encodeScalar: (scalar) => write(inRange(scalar, order), length),
    decodeScalar: (bytes) => {
      if (bytes.length !== length) throw new EncodingError(`a scalar has ${length} bytes`);
      const scalar = read(bytes);
      if (scalar >= order) throw new EncodingError('scalar not below the order');
      return scalar;
    },
    reduceScalar: (bytes) => {
      if (bytes.length < uniformBytes) throw new RangeError(`fewer than ${uniformBytes} uniform bytes`);
      return read(bytes) % order;
    },
  };
}

/** `scalar` itself. @throws {RangeError} outside [0, order): our own arithmetic is wrong, no input can cause it */
export function inRange(scalar: bigint, order: bigint): bigint {
  if (scalar < 0n || scalar >= order) throw new RangeError('scalar out of range');
  return scalar;
}

/** @throws {RangeError} unless a sum of products has as many points as scalars */
export function sameLength(points: readonly unknown[], scalars: readonly unknown[]): void {
  if (points.length !== scalars.length) throw new RangeError('as many scalars as points');
}
