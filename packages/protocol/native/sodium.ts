import { createRequire } from 'node:module';
import { concat, EncodingError, ed25519, equal, type Group, type Point, wipe } from '@quorate/protocol';

/** What is used of sodium-native. Each writes its first argument and throws if libsodium refuses the others. */
interface Sodium {
  crypto_core_ed25519_add(out: Uint8Array, a: Uint8Array, b: Uint8Array): void;
  crypto_core_ed25519_is_valid_point(point: Uint8Array): boolean;
  crypto_scalarmult_ed25519_noclamp(out: Uint8Array, scalar: Uint8Array, point: Uint8Array): void;
  crypto_scalarmult_ed25519_base_noclamp(out: Uint8Array, scalar: Uint8Array): void;
}

/** A point is its canonical encoding; the identity is the neutral element's, which never leaves this file. */
class Element {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const size = 32;
const identity = new Element(concat(Uint8Array.of(1), new Uint8Array(size - 1)));

/** The ed25519 group computed by libsodium, in constant time; undefined where sodium-native is not installed. */
export function sodiumEd25519(): Group | undefined {
  const sodium = load();
  return sodium === undefined ? undefined : sodiumGroup(sodium);
}

function load(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch {
    return undefined;
  }
}

function sodiumGroup(sodium: Sodium): Group {
  const add = (a: Element, b: Element): Element => {
    const out = new Uint8Array(size);
    sodium.crypto_core_ed25519_add(out, a.bytes, b.bytes);
    return new Element(out);
  };
  /** libsodium refuses what gives or takes the identity, so those cases end here. */
  const multiplied = (scalar: bigint, compute: (out: Uint8Array, scalar: Uint8Array) => void): Element => {
    const encoded = ed25519.encodeScalar(scalar);
    if (scalar === 0n) return identity;
    const out = new Uint8Array(size);
    compute(out, encoded);
    wipe(encoded);
    return new Element(out);
  };
  const multiplyBase = (scalar: bigint): Element =>
    multiplied(scalar, (out, encoded) => sodium.crypto_scalarmult_ed25519_base_noclamp(out, encoded));
  const multiply = (point: Element, scalar: bigint): Element =>
    multiplied(scalar, (out, encoded) => {
      if (isIdentity(point)) out.set(identity.bytes);
      else sodium.crypto_scalarmult_ed25519_noclamp(out, encoded, point.bytes);
    });
  const generator = multiplyBase(1n);
  const { order, pointBytes, scalarBytes, encodeScalar, decodeScalar, reduceScalar } = ed25519;

  return {
    name: 'ed25519',
    backend: 'libsodium',
    order,
    pointBytes,
    scalarBytes,
    encodeScalar,
    decodeScalar,
    reduceScalar,
    generator: wrap(generator),
    identity: wrap(identity),

    add: (a, b) => wrap(add(unwrap(a), unwrap(b))),
    negate: (a) => wrap(negate(unwrap(a))),
    multiply: (point, scalar) => wrap(multiply(unwrap(point), scalar)),
    multiplyBase: (scalar) => wrap(multiplyBase(scalar)),
    sumOfProducts: (points, scalars) => {
      if (points.length !== scalars.length) throw new RangeError('as many scalars as points');
      const term = (point: Element, scalar: bigint): Element => {
        if (point === generator) return multiplyBase(scalar);
        return scalar === 1n ? point : multiply(point, scalar);
      };
      return wrap(points.reduce((sum, point, i) => add(sum, term(unwrap(point), scalars[i] as bigint)), identity));
    },
    equals: (a, b) => equal(unwrap(a).bytes, unwrap(b).bytes),
    isIdentity: (a) => isIdentity(unwrap(a)),
    hasEvenY: () => {
      throw new TypeError('ed25519 has no even-y convention');
    },
    hashToGroup: (tag, message) => wrap(new Element(ed25519.encodePoint(ed25519.hashToGroup(tag, message)))),

    encodePoint: (point) => {
      const element = unwrap(point);
      if (isIdentity(element)) throw new EncodingError('the identity has no encoding');
      return element.bytes.slice();
    },
    decodePoint: (bytes) => {
      if (bytes.length !== size) throw new EncodingError(`a point has ${size} bytes`);
      // Canonical, on the curve, not of small order, in the prime-order subgroup.
      if (!sodium.crypto_core_ed25519_is_valid_point(bytes)) throw new EncodingError('not a point of the group');
      return wrap(new Element(bytes.slice()));
    },
  };
}

/** The encoding of -P differs in the sign of x, which is zero only for points of small order. */
function negate(point: Element): Element {
  if (isIdentity(point)) return identity;
  const last = size - 1;
  return new Element(point.bytes.with(last, (point.bytes[last] as number) ^ 0x80));
}

function isIdentity(point: Element): boolean {
  return equal(point.bytes, identity.bytes);
}

function wrap(element: Element): Point {
  return element as unknown as Point;
}

/** @throws {TypeError} on a point of another backend */
function unwrap(point: Point): Element {
  if (!(point instanceof Element)) throw new TypeError('not a point of libsodium');
  return point;
}
