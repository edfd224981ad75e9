import { Secret, toHex } from '@quorate/protocol';
import { pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What may stand beside a message: ids as text, sizes, durations, counts, errors. Nothing secret: see {@link plain}. */
export type Fields = Readonly<Record<string, unknown>>;

/** The structured log: one JSON object per line. Messages are fixed texts; what varies goes into fields. */
export interface Log {
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  fatal(message: string, fields?: Fields): void;
  /** A log whose every line also carries `fields`. */
  with(fields: Fields): Log;
}

/** @param write takes each line, with its end; default: standard error, so that standard output stays for results */
export function createLog(level: LogLevel, write?: (line: string) => void): Log {
  const destination = write === undefined ? pino.destination({ fd: 2, sync: true }) : { write };
  return wrap(pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination));
}

type Sink = Pick<
  ReturnType<typeof pino>,
  'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'isLevelEnabled'
>;

function wrap(sink: Sink): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Fields = {}): void => {
      if (sink.isLevelEnabled(level)) sink[level](plain(fields) as object, message);
    };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    with: (fields) => wrap(sink.child(plain(fields) as object)),
  };
}

const deepest = 6;
const longest = 32;

/**
 * A copy that cannot hold a secret: secrets and functions go, byte strings longer than 8 bytes shrink to their length (a
 * key or a share looks like any other 32 bytes), errors to code and message, and all of it is bounded in depth and width.
 */
export function plain(value: unknown, depth = 0): unknown {
  if (value instanceof Secret) return '[secret]';
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.length > 1_024 ? `${value.slice(0, 1_024)}…` : value;
  // A bigint may be a scalar: what is worth logging fits a number.
  if (typeof value === 'bigint') return '[bigint]';
  if (typeof value !== 'object') return `[${typeof value}]`;
  if (value instanceof Uint8Array) return value.length <= 8 ? toHex(value) : `[bytes:${value.length}]`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[bytes:${value.byteLength}]`;
  if (depth >= deepest) return '[deep]';
  if (value instanceof Error) {
    const { name, message, code, cause } = value as Error & { readonly code?: unknown };
    return {
      name,
      message: plain(message),
      ...(typeof code === 'string' ? { code } : {}),
      ...(cause === undefined ? {} : { cause: plain(cause, depth + 1) }),
    };
  }
  if (Array.isArray(value)) {
    const shown = value.slice(0, longest).map((item) => plain(item, depth + 1));
    return value.length > longest ? [...shown, `[${value.length - longest} more]`] : shown;
  }
  if (value instanceof Map)
    return plain(Object.fromEntries([...value].map(([key, item]) => [String(key), item])), depth);
  if (value instanceof Set) return plain([...value], depth);
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, longest)
      .map(([key, item]) => [key, plain(item, depth + 1)]),
  );
}
