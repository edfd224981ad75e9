import { ascii, concat, integer as toBytes } from '../bytes.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';

/**
 * Canonical binary codecs: exactly one encoding per value, exact lengths, no trailing bytes. Each codec carries its
 * schema, so that tests can find every field of every message and attack it.
 */
export interface Codec<T> {
  readonly schema: Schema;
  write(value: T, out: Uint8Array[]): void;
  /** @throws {EncodingError} */
  read(reader: Reader): T;
}

export type Schema =
  | { readonly kind: 'integer'; readonly bytes: number }
  | { readonly kind: 'bytes'; readonly length: number | undefined; readonly max: number }
  | { readonly kind: 'scalar' | 'point'; readonly group: Group }
  | { readonly kind: 'list'; readonly item: Schema; readonly count: number | undefined; readonly max: number }
  | { readonly kind: 'choice'; readonly options: readonly Schema[] }
  | { readonly kind: 'struct'; readonly fields: readonly (readonly [name: string, schema: Schema])[] };

/** A cursor over received bytes. */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  take(length: number): Uint8Array {
    if (length > this.remaining) throw new EncodingError('truncated');
    const out = this.#bytes.slice(this.#offset, this.#offset + length);
    this.#offset += length;
    return out;
  }

  takeInteger(bytes: number): number {
    if (bytes > this.remaining) throw new EncodingError('truncated');
    let value = 0;
    for (const end = this.#offset + bytes; this.#offset < end; this.#offset++)
      value = value * 256 + (this.#bytes[this.#offset] as number);
    return value;
  }
}

/** The encoding of `value`. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const out: Uint8Array[] = [];
  codec.write(value, out);
  return concat(...out);
}

/** The value that `bytes` encode, all of them. @throws {EncodingError} */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  if (reader.remaining > 0) throw new EncodingError('trailing bytes');
  return value;
}

/** An unsigned integer of `bytes` ≤ 6 bytes, most significant first. */
function integer(bytes: number): Codec<number> {
  return {
    schema: { kind: 'integer', bytes },
    write: (value, out) => {
      if (!Number.isSafeInteger(value) || value < 0) throw new EncodingError('not an unsigned integer');
      out.push(toBytes(value, bytes));
    },
    read: (reader) => reader.takeInteger(bytes),
  };
}

export const u8: Codec<number> = integer(1);
export const u16: Codec<number> = integer(2);
export const u32: Codec<number> = integer(4);
/** Milliseconds since 1970 and counters: 48 bits are enough for 8,900 years. */
export const u48: Codec<number> = integer(6);

/** One fixed byte: format versions. Another value does not decode. */
export function version(expected: number): Codec<number> {
  return {
    schema: { kind: 'integer', bytes: 1 },
    write: (_value, out) => out.push(Uint8Array.of(expected)),
    read: (reader) => {
      const found = reader.takeInteger(1);
      if (found !== expected) throw new EncodingError(`version ${found}, expected ${expected}`);
      return expected;
    },
  };
}

/** Exactly `length` bytes. */
export function fixed(length: number): Codec<Uint8Array> {
  return {
    schema: { kind: 'bytes', length, max: length },
    write: (value, out) => {
      if (value.length !== length) throw new EncodingError(`expected ${length} bytes`);
      out.push(value);
    },
    read: (reader) => reader.take(length),
  };
}

/** Up to `max` bytes, behind a 32-bit length. */
export function bytes(max: number): Codec<Uint8Array> {
  return {
    schema: { kind: 'bytes', length: undefined, max },
    write: (value, out) => {
      if (value.length > max) throw new EncodingError(`over ${max} bytes`);
      out.push(toBytes(value.length, 4), value);
    },
    read: (reader) => {
      const length = reader.takeInteger(4);
      if (length > max) throw new EncodingError(`over ${max} bytes`);
      return reader.take(length);
    },
  };
}

/** Printable ASCII of up to `max` characters: names and codes. */
export function text(max: number): Codec<string> {
  const inner = bytes(max);
  return {
    schema: inner.schema,
    write: (value, out) => inner.write(textBytes(value), out),
    read: (reader) => {
      const raw = inner.read(reader);
      for (const byte of raw) if (byte < 0x20 || byte > 0x7e) throw new EncodingError('not printable ASCII');
      return String.fromCharCode(...raw);
    },
  };
}

function textBytes(value: string): Uint8Array {
  if (/[^\x20-\x7e]/.test(value)) throw new EncodingError('not printable ASCII');
  return ascii(value);
}

/** A point of `group`, never the identity. */
export function point(group: Group): Codec<Point> {
  return {
    schema: { kind: 'point', group },
    write: (value, out) => out.push(group.encodePoint(value)),
    read: (reader) => group.decodePoint(reader.take(group.pointBytes)),
  };
}

/** A scalar of `group` in [0, order). */
export function scalar(group: Group): Codec<bigint> {
  return {
    schema: { kind: 'scalar', group },
    write: (value, out) => out.push(group.encodeScalar(value)),
    read: (reader) => group.decodeScalar(reader.take(group.scalarBytes)),
  };
}

/** Exactly `count` items, without a prefix: the receiver knows how many there must be. */
export function vector<T>(item: Codec<T>, count: number): Codec<readonly T[]> {
  return {
    schema: { kind: 'list', item: item.schema, count, max: count },
    write: (value, out) => {
      if (value.length !== count) throw new EncodingError(`expected ${count} items`);
      for (const one of value) item.write(one, out);
    },
    read: (reader) => Array.from({ length: count }, () => item.read(reader)),
  };
}

/** Up to `max` items, behind a 16-bit count. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    schema: { kind: 'list', item: item.schema, count: undefined, max },
    write: (value, out) => {
      if (value.length > max) throw new EncodingError(`over ${max} items`);
      out.push(toBytes(value.length, 2));
      for (const one of value) item.write(one, out);
    },
    read: (reader) => {
      const count = reader.takeInteger(2);
      if (count > max) throw new EncodingError(`over ${max} items`);
      return Array.from({ length: count }, () => item.read(reader));
    },
  };
}

/** One byte for which, then that one. Options are numbered in order. */
export function choice<T extends Record<string, unknown>>(
  options: {
    readonly [K in keyof T]: Codec<T[K]>;
  },
): Codec<{ [K in keyof T]: { readonly type: K; readonly value: T[K] } }[keyof T]> {
  const names = Object.keys(options) as (keyof T)[];
  const codecs = names.map((name) => options[name] as Codec<unknown>);
  return {
    schema: { kind: 'choice', options: codecs.map((codec) => codec.schema) },
    write: (chosen, out) => {
      const index = names.indexOf(chosen.type);
      const codec = codecs[index];
      if (codec === undefined) throw new EncodingError('unknown option');
      out.push(Uint8Array.of(index));
      codec.write(chosen.value, out);
    },
    read: (reader) => {
      const index = reader.takeInteger(1);
      const type = names[index];
      const codec = codecs[index];
      if (type === undefined || codec === undefined) throw new EncodingError('unknown option');
      return { type, value: codec.read(reader) as T[typeof type] };
    },
  };
}

/** Fields in the order in which they are written here. */
export function struct<T extends Record<string, unknown>>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T & string, Codec<unknown>][];
  return {
    schema: { kind: 'struct', fields: entries.map(([name, codec]) => [name, codec.schema] as const) },
    write: (value, out) => {
      for (const [name, codec] of entries) codec.write(value[name], out);
    },
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as T;
    },
  };
}

/** A struct behind a version byte: a message. */
export function versioned<T extends object>(
  expected: number,
  fields: { readonly [K in keyof T]: Codec<T[K]> },
): Codec<T> {
  const inner = struct({ version: version(expected), ...fields }) as Codec<T & { readonly version: number }>;
  return mapped(
    inner,
    (value: T) => ({ ...value, version: expected }),
    ({ version: _, ...value }) => value as unknown as T,
  );
}

/** A codec for a domain type, by way of the type of another codec. `from` may throw {@link EncodingError}. */
export function mapped<T, U>(inner: Codec<T>, to: (value: U) => T, from: (value: T) => U): Codec<U> {
  return {
    schema: inner.schema,
    write: (value, out) => inner.write(to(value), out),
    read: (reader) => from(inner.read(reader)),
  };
}
