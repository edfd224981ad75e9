import { ascii, fromBytesBE, toBytesBE } from '../bytes.ts';
import { tags } from '../tags.ts';
import { hash512 } from '../transcript.ts';
import { EncodingError, type Group, type Point } from './group.ts';
import { inRange, sameLength, scalarCodec } from './scalars.ts';

/** 2^61 - 1, a Mersenne prime. */
const order = 2305843009213693951n;
const generator = 7n;
const bytes = 32;

class Element {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/**
 * The integers modulo 2^61 - 1 under addition, with generator 7: every law of a group and no security whatsoever. Its
 * operations take microseconds, so that simulations run thousands of committees; it has no place anywhere else.
 */
export const toy: Group = {
  name: 'toy',
  backend: 'toy',
  order,
  pointBytes: bytes,
  scalarBytes: bytes,
  generator: wrap(generator),
  identity: wrap(0n),
  ...scalarCodec(order, bytes, 'big'),

  add: (a, b) => wrap(unwrap(a) + unwrap(b)),
  negate: (a) => wrap(order - unwrap(a)),
  multiply: (point, scalar) => wrap(unwrap(point) * inRange(scalar, order)),
  multiplyBase: (scalar) => wrap(generator * inRange(scalar, order)),
  sumOfProducts: (points, scalars) => {
    sameLength(points, scalars);
    return wrap(points.reduce((sum, point, i) => sum + unwrap(point) * inRange(scalars[i] as bigint, order), 0n));
  },
  equals: (a, b) => unwrap(a) === unwrap(b),
  isIdentity: (a) => unwrap(a) === 0n,
  // Negation changes the parity, as it does that of an affine y: enough to exercise Taproot's signs.
  hasEvenY: (a) => unwrap(a) % 2n === 0n,
  hashToGroup: (tag, message) => wrap((fromBytesBE(hash512(tags.toyHash, ascii(tag), message)) % (order - 1n)) + 1n),

  encodePoint: (point) => {
    if (unwrap(point) === 0n) throw new EncodingError('the identity has no encoding');
    return toBytesBE(unwrap(point), bytes);
  },
  decodePoint: (encoded) => {
    if (encoded.length !== bytes) throw new EncodingError(`a point has ${bytes} bytes`);
    const value = fromBytesBE(encoded);
    if (value === 0n || value >= order) throw new EncodingError('not a point');
    return wrap(value);
  },
};

function wrap(value: bigint): Point {
  return new Element(value % order) as unknown as Point;
}

/** @throws {TypeError} on a point of another group, which structural typing cannot tell apart */
function unwrap(point: Point): bigint {
  if (!(point instanceof Element)) throw new TypeError('not a point of the toy group');
  return point.value;
}
