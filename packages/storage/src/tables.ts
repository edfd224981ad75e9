import { concat } from '@quorate/protocol';

/** Why a table must not be read. */
export class TableError extends Error {
  override readonly name = 'TableError';
}

/** The end of a table: two handles, zeros, a number. */
const footerLength = 48;
/** After each block: how it is compressed, and its checksum. */
const trailerLength = 5;
/** A number and a kind after each key of the database. */
const keyTrailer = 8;

/** Of a log: the length of a block, and what is before each piece of a record, a checksum, a length and a kind. */
const logBlock = 32 * 1024;
const pieceHeader = 7;
const pieceKinds = { whole: 1, first: 2, last: 4 };
/** What an edit of the descriptor says. `numbers`: of logs and files, and of the last record. */
const editTags = { comparator: 1, log: 2, numbers: [3, 4, 9], compactPointer: 5, deletedTable: 6, newTable: 7 };

interface Handle {
  readonly offset: number;
  readonly size: number;
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * Walks through a table of LevelDB (`doc/table_format.md` there) and looks at what holds it together: lengths, offsets, the order of
 * the keys. LevelDB reads blocks without a look at their checksums, and ends the process where one of them does not
 * parse. What is in the values is not looked at: records are sealed.
 * @throws {TableError}
 */
export function checkTable(table: Uint8Array): void {
  const end = table.length - footerLength;
  if (end < 0) throw new TableError('it is cut short');
  const footer = new Reader(table.subarray(end));
  const [metaindex, index] = [footer.handle(), footer.handle()];
  const block = ({ offset, size }: Handle): Uint8Array => {
    if (offset + size + trailerLength > end) throw new TableError('a block ends beyond it');
    if (table[offset + size] !== 0) throw new TableError('a block is compressed');
    return table.subarray(offset, offset + size);
  };
  // Of the filters of keys: a wrong one hides a record, which is then missing.
  for (const { value } of entriesOf(block(metaindex), 0)) block(new Reader(value).handle());
  let last: Uint8Array | undefined;
  for (const { value } of entriesOf(block(index), keyTrailer)) {
    for (const { key } of entriesOf(block(new Reader(value).handle()), keyTrailer)) {
      if (last !== undefined && !isAfter(key, last)) throw new TableError('keys are out of order');
      last = key;
    }
  }
}

/**
 * The numbers of the tables that belong to a database, as its descriptor says, and of the log whose records are in no table yet, 0
 * before there is one. What else lies in the folder was left by a crash, unfinished perhaps, and LevelDB removes it. Each file
 * is there before the descriptor names it, and is removed after it does not any more.
 * @param descriptor its `MANIFEST` file: edits (`db/version_edit.cc` there) in the form of a log (`doc/log_format.md`)
 * @throws {TableError}
 */
export function filesIn(descriptor: Uint8Array): { readonly log: number; readonly tables: ReadonlySet<number> } {
  const tables = new Set<number>();
  let log = 0;
  for (const edit of recordsOf(descriptor)) {
    const reader = new Reader(edit);
    const skipText = (): void => void reader.bytes(reader.varint());
    while (reader.at < edit.length) {
      const tag = reader.varint();
      if (tag === editTags.comparator) skipText();
      else if (tag === editTags.log) log = reader.varint();
      else if (editTags.numbers.includes(tag)) reader.varint();
      else if (tag === editTags.compactPointer) {
        reader.varint();
        skipText();
      } else if (tag === editTags.deletedTable) tables.delete(reader.levelled());
      else if (tag === editTags.newTable) {
        tables.add(reader.levelled());
        reader.varint();
        skipText();
        skipText();
      } else throw new TableError('an edit says something else');
    }
  }
  return { log, tables };
}

/** The records of a log, each in pieces that end with their block. The last one may be cut short: it was never acknowledged. */
function* recordsOf(log: Uint8Array): Generator<Uint8Array> {
  const numbers = new DataView(log.buffer, log.byteOffset, log.length);
  let pieces: Uint8Array[] = [];
  for (let at = 0; at + pieceHeader <= log.length; ) {
    const left = logBlock - (at % logBlock);
    if (left < pieceHeader) {
      at += left;
      continue;
    }
    const end = at + pieceHeader + numbers.getUint16(at + 4, true);
    if (end > log.length) return;
    const kind = log[at + 6] as number;
    const isFirst = kind === pieceKinds.whole || kind === pieceKinds.first;
    pieces = [...(isFirst ? [] : pieces), log.subarray(at + pieceHeader, end)];
    if (kind === pieceKinds.whole || kind === pieceKinds.last) yield concat(...pieces);
    at = end;
  }
}

/** The entries of a block. Each key shares its beginning with the one before; where a restart points to, none. */
function* entriesOf(block: Uint8Array, shortestKey: number): Generator<Entry> {
  const numbers = new DataView(block.buffer, block.byteOffset, block.length);
  if (block.length < 4) throw new TableError('a block is too short');
  const restarts = numbers.getUint32(block.length - 4, true);
  const end = block.length - 4 * (restarts + 1);
  if (restarts === 0 || end < 0) throw new TableError('a block has too many restarts, or none');
  const whole = new Set<number>();
  const reader = new Reader(block.subarray(0, end));
  let last: Uint8Array = new Uint8Array(0);
  while (reader.at < end) {
    const start = reader.at;
    const [shared, own, length] = [reader.varint(), reader.varint(), reader.varint()];
    if (shared > last.length) throw new TableError('a key shares more than there is');
    const key = concat(last.subarray(0, shared), reader.bytes(own));
    if (key.length < shortestKey) throw new TableError('a key is too short');
    if (shared === 0) whole.add(start);
    yield { key, value: reader.bytes(length) };
    last = key;
  }
  // A block without entries has one restart at its end.
  if (end === 0) whole.add(0);
  for (let i = 0; i < restarts; i++)
    if (!whole.has(numbers.getUint32(end + 4 * i, true))) throw new TableError('a restart is not at an entry');
}

/** By the key; of one key, newer numbers come first. */
function isAfter(key: Uint8Array, last: Uint8Array): boolean {
  const own = (one: Uint8Array): Uint8Array => one.subarray(0, one.length - keyTrailer);
  const order = Buffer.compare(own(key), own(last));
  const number = (one: Uint8Array): bigint =>
    new DataView(one.buffer, one.byteOffset + one.length - keyTrailer).getBigUint64(0, true);
  return order > 0 || (order === 0 && number(key) < number(last));
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }

  /** The number of a table, behind its level. */
  levelled(): number {
    this.varint();
    return this.varint();
  }

  /** Seven bits a byte, the lowest first. Ten bytes at most: what is beyond 2^53 is beyond any file. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw new TableError('a length is cut short');
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new TableError('a value ends beyond its block');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}
