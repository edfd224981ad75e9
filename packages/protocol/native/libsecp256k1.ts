import { createRequire } from 'node:module';
import {
  concat,
  EncodingError,
  equal,
  fromBytesBE,
  type Group,
  type Point,
  secp256k1,
  toBytesBE,
  wipe,
} from '@quorate/protocol';

/** What is used of tiny-secp256k1: libsecp256k1 as WebAssembly. Points are 65 bytes, uncompressed; null is the identity. */
interface Library {
  isPoint(bytes: Uint8Array): boolean;
  pointAdd(a: Uint8Array, b: Uint8Array, compressed: boolean): Uint8Array | null;
  pointCompress(point: Uint8Array, compressed: boolean): Uint8Array;
  pointFromScalar(scalar: Uint8Array, compressed: boolean): Uint8Array | null;
  pointMultiply(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array | null;
}

/** A point is its uncompressed encoding; the identity has none. */
class Element {
  readonly bytes: Uint8Array | undefined;

  constructor(bytes: Uint8Array | null | undefined) {
    this.bytes = bytes ?? undefined;
  }
}

const identity = new Element(undefined);
/** The field prime of SEC 2. */
const prime = 2n ** 256n - 2n ** 32n - 977n;

/**
 * The secp256k1 group computed by libsecp256k1; undefined where tiny-secp256k1 is not installed. Its multiplication of an
 * arbitrary point takes variable time, so it serves public sums only; a secret multiple of anything but the generator is
 * noble's.
 */
export function libsecp256k1(): Group | undefined {
  const library = load();
  return library === undefined ? undefined : libsecp256k1Group(library);
}

function load(): Library | undefined {
  try {
    return createRequire(import.meta.url)('tiny-secp256k1') as Library;
  } catch {
    return undefined;
  }
}

function libsecp256k1Group(library: Library): Group {
  const add = (a: Element, b: Element): Element => {
    if (a.bytes === undefined) return b;
    return b.bytes === undefined ? a : new Element(library.pointAdd(a.bytes, b.bytes, false));
  };
  const multiplyBase = (scalar: bigint): Element => {
    const encoded = secp256k1.encodeScalar(scalar);
    if (scalar === 0n) return identity;
    const point = new Element(library.pointFromScalar(encoded, false));
    wipe(encoded);
    return point;
  };
  const multiplyPublic = ({ bytes }: Element, scalar: bigint): Element => {
    const encoded = secp256k1.encodeScalar(scalar);
    return bytes === undefined || scalar === 0n ? identity : new Element(library.pointMultiply(bytes, encoded, false));
  };
  const decode = (bytes: Uint8Array): Element => {
    const compressed = bytes.length === secp256k1.pointBytes && (bytes[0] === 2 || bytes[0] === 3);
    if (!compressed || !library.isPoint(bytes)) throw new EncodingError('not a compressed point');
    return new Element(library.pointCompress(bytes, false));
  };
  const encode = ({ bytes }: Element): Uint8Array => {
    if (bytes === undefined) throw new EncodingError('the identity has no encoding');
    return new Uint8Array(library.pointCompress(bytes, true));
  };
  const byNoble = (compute: (point: Point) => Point, point: Element): Element => {
    const result = compute(secp256k1.decodePoint(encode(point)));
    return secp256k1.isIdentity(result) ? identity : decode(secp256k1.encodePoint(result));
  };
  const generator = multiplyBase(1n);
  const { order, pointBytes, scalarBytes, encodeScalar, decodeScalar, reduceScalar } = secp256k1;

  return {
    name: 'secp256k1',
    backend: 'libsecp256k1',
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
    multiply: (point, scalar) => {
      const element = unwrap(point);
      encodeScalar(scalar);
      if (element.bytes === undefined) return wrap(identity);
      return wrap(byNoble((noble) => secp256k1.multiply(noble, scalar), element));
    },
    multiplyBase: (scalar) => wrap(multiplyBase(scalar)),
    sumOfProducts: (points, scalars) => {
      if (points.length !== scalars.length) throw new RangeError('as many scalars as points');
      const term = (point: Element, scalar: bigint): Element => {
        if (point === generator) return multiplyBase(scalar);
        return scalar === 1n ? point : multiplyPublic(point, scalar);
      };
      return wrap(points.reduce((sum, point, i) => add(sum, term(unwrap(point), scalars[i] as bigint)), identity));
    },
    equals: (a, b) => equal(unwrap(a).bytes ?? new Uint8Array(0), unwrap(b).bytes ?? new Uint8Array(0)),
    isIdentity: (a) => unwrap(a).bytes === undefined,
    hasEvenY: (a) => ((unwrap(a).bytes?.at(-1) ?? 0) & 1) === 0,
    hashToGroup: (tag, message) => wrap(decode(secp256k1.encodePoint(secp256k1.hashToGroup(tag, message)))),

    encodePoint: (point) => encode(unwrap(point)),
    decodePoint: (bytes) => wrap(decode(bytes)),
  };
}

/** (x, p − y): the curve has no point with y = 0. */
function negate({ bytes }: Element): Element {
  if (bytes === undefined) return identity;
  return new Element(concat(bytes.subarray(0, 33), toBytesBE(prime - fromBytesBE(bytes.subarray(33)), 32)));
}

function wrap(element: Element): Point {
  return element as unknown as Point;
}

/** @throws {TypeError} on a point of another backend */
function unwrap(point: Point): Element {
  if (!(point instanceof Element)) throw new TypeError('not a point of libsecp256k1');
  return point;
}
