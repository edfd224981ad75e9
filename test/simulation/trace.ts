import { createHash } from 'node:crypto';
import { EncodingError, toHex } from '@quorate/protocol';
import { decodeFrame, type NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';

/** Everything that happens in a world, as one hash; and as lines, for whoever wants to read them. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #print: ((line: string) => void) | undefined;
  /** What happened, in all. */
  events = 0;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  event(at: number, who: string, what: string): void {
    this.events++;
    this.#hash.update(`${at} ${who} ${what}\n`);
    this.#say(at, `${who} ${what}`);
  }

  frame(at: number, from: string, to: string, bytes: Uint8Array): void {
    this.events++;
    this.#hash.update(`${at} ${from} ${to} ${bytes.length}\n`);
    this.#hash.update(bytes);
    if (this.#print !== undefined) this.#say(at, `${from} → ${to} ${describe(bytes)}`);
  }

  /** For readers only. */
  note(at: number, who: string, what: string): void {
    this.#say(at, `${who} ${what}`);
  }

  digest(): string {
    return this.#hash.digest('hex').slice(0, 32);
  }

  #say(at: number, what: string): void {
    this.#print?.(`${at.toFixed(1).padStart(10)} ${what}`);
  }
}

function describe(bytes: Uint8Array): string {
  const type = frameType(bytes);
  if (type !== 'declined') return `${type} ${bytes.length}`;
  const { value } = decodeFrame(bytes) as NodeFrame & { readonly type: 'declined' };
  return `declined ${toHex(value.request).slice(0, 8)}: ${value.reason}`;
}

/** What kind of frame this is, whoever made it. */
export function frameType(bytes: Uint8Array): NodeFrame['type'] | 'noise' {
  try {
    return decodeFrame(bytes).type;
  } catch (error) {
    if (error instanceof EncodingError) return 'noise';
    throw error;
  }
}
