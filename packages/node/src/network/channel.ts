import type { Stream } from '@libp2p/interface';
import { concat, type Randomness, tryDecode, wire } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { Budget } from './budget.ts';
import { FrameReader, frame } from './frames.ts';
import { encodeHello, type Hello, prove, readHello, verifyProof } from './hello.ts';
import type { Identity } from './identity.ts';
import { type PeerId, PeerUnavailable } from './network.ts';

/** What is said on a channel: the first byte of a frame. Numbers are part of the format. */
const kinds = { hello: 0, proof: 1, welcome: 2, ping: 3, pong: 4, data: 5 } as const;

const ping = wire.struct({ number: wire.u32, time: wire.u48, rosterHash: wire.fixed(32) });

/** What one round trip tells. */
export interface Pulse {
  readonly roundTrip: number;
  readonly clockSkew: number;
  readonly rosterHash: Uint8Array;
}

export interface ChannelEvents {
  /** The peer's hello is genuine: a reason to refuse it nevertheless, or undefined. */
  genuine(hello: Hello): string | undefined;
  /** Both sides have verified each other. */
  admitted(hello: Hello): void;
  frame(payload: Uint8Array): void;
  pulse(pulse: Pulse): void;
  /** Why the peer is not, or no longer, wanted; `closed` follows. */
  refused(reason: string): void;
  /** The end, once. */
  closed(): void;
}

export interface ChannelOptions {
  readonly stream: Stream;
  readonly peer: PeerId;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly networkId: Uint8Array;
  readonly version: string;
  readonly bootEpoch: Uint8Array;
  readonly rosterHash: () => Uint8Array;
  readonly budgets: { readonly bytesPerSecond: number; readonly framesPerSecond: number };
  readonly events: ChannelEvents;
}

/**
 * The one stream between two nodes: greeting, then frames, with backpressure both ways. Either side sends `hello`, answers
 * the other's with `proof`, and a good proof with `welcome`; a channel is admitted once it has sent and received one.
 * Whatever breaks a rule or a budget ends the channel; nothing is retried within.
 */
export class Channel {
  readonly peer: PeerId;
  readonly #options: ChannelOptions;
  readonly #hello: Uint8Array;
  readonly #challenge: Uint8Array;
  readonly #reader = new FrameReader(limits.frameBytes + 1);
  readonly #bytes: Budget;
  readonly #frames: Budget;
  readonly #received: Uint8Array[] = [];
  readonly #waiting: { readonly bytes: Uint8Array; resolve(): void; reject(error: Error): void }[] = [];
  #waitingBytes = 0;
  #state: 'greeting' | 'admitted' | 'refused' | 'closed' = 'greeting';
  #theirs: { readonly hello: Hello; readonly bytes: Uint8Array } | undefined;
  #welcomed = false;
  #verified = false;
  #delivering = false;
  #timers: { greeting?: () => void; ping?: () => void; farewell?: () => void; delivery?: () => void } = {};
  #pings = 0;
  #pinged: { readonly number: number; readonly at: number; readonly wall: number } | undefined;
  #heard: number;
  #ticked: number;

  constructor(options: ChannelOptions) {
    const { stream, clock, randomness, budgets } = options;
    this.peer = options.peer;
    this.#options = options;
    this.#challenge = randomness.bytes(32);
    this.#hello = encodeHello({
      networkId: options.networkId,
      version: options.version,
      rosterHash: options.rosterHash(),
      bootEpoch: options.bootEpoch,
      challenge: this.#challenge,
    });
    this.#bytes = new Budget(clock, budgets.bytesPerSecond, 2 * budgets.bytesPerSecond);
    this.#frames = new Budget(clock, budgets.framesPerSecond, 4 * budgets.framesPerSecond);
    this.#heard = this.#ticked = clock.monotonic();
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) this.#receive(chunk);
    });
    // The event, not `onDrain()`: that promise works once per stream.
    stream.addEventListener('drain', () => this.#flush());
    stream.addEventListener('remoteCloseWrite', () => this.close());
    stream.addEventListener('close', () => this.close());
    this.#timers.greeting = clock.after(limits.helloDeadline, () =>
      this.refuse(`no greeting within ${limits.helloDeadline / 1_000} s; is it a node of this network?`),
    );
    this.#tell(kinds.hello, this.#hello);
  }

  get admitted(): boolean {
    return this.#state === 'admitted';
  }

  /** Resolves when the frame was given to the stream. @throws {PeerUnavailable} {NodeError} `frame-too-large` */
  async send(payload: Uint8Array): Promise<void> {
    if (payload.length > limits.frameBytes) {
      throw new NodeError(
        'frame-too-large',
        `a frame of ${payload.length} bytes; at most ${limits.frameBytes} fit, split it`,
      );
    }
    if (this.#state !== 'admitted') throw new PeerUnavailable(this.peer, 'it is not connected');
    return this.#write(kinds.data, payload);
  }

  /** Ends the channel for a reason that status shows. While greeting, the other side gets time to read our hello. */
  refuse(reason: string): void {
    if (this.#state === 'closed' || this.#state === 'refused') return;
    const polite = this.#state === 'greeting';
    this.#state = 'refused';
    this.#options.events.refused(reason);
    if (polite) this.#timers.farewell = this.#options.clock.after(limits.farewell, () => this.close());
    else this.close();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const cancel of Object.values(this.#timers)) cancel();
    this.#received.length = 0;
    for (const { reject } of this.#waiting.splice(0)) reject(new PeerUnavailable(this.peer, 'the connection closed'));
    this.#options.events.closed();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#state !== 'greeting' && this.#state !== 'admitted') return;
    if (!this.#bytes.spend(chunk.length)) {
      return this.refuse('it sends more bytes per second than its budget; see limits.peerBytesPerSecond');
    }
    let frames: Uint8Array[];
    try {
      frames = this.#reader.push(chunk);
    } catch (error) {
      if (error instanceof NodeError) return this.refuse(error.message);
      throw error;
    }
    if (!this.#frames.spend(frames.length)) {
      return this.refuse('it sends more frames per second than its budget; see limits.peerFramesPerSecond');
    }
    for (const one of frames) this.#received.push(one);
    if (!this.#delivering) this.#deliver();
  }

  /** Hands over a batch; if more is waiting, reading pauses and the others get their turn of the event loop. */
  #deliver(): void {
    this.#delivering = true;
    for (const one of this.#received.splice(0, limits.queuedFrames)) this.#handle(one);
    const { stream, clock } = this.#options;
    if (this.#received.length > 0) {
      if (stream.readStatus === 'readable') stream.pause();
      this.#timers.delivery = clock.after(0, () => this.#deliver());
      return;
    }
    this.#delivering = false;
    if (stream.readStatus === 'paused') stream.resume();
  }

  #handle(message: Uint8Array): void {
    const [kind] = message;
    const body = message.subarray(1);
    if (this.#state === 'greeting') return this.#greet(kind, body);
    if (this.#state !== 'admitted') return;
    this.#heard = this.#options.clock.monotonic();
    if (kind === kinds.data) this.#options.events.frame(body);
    else if (kind === kinds.ping) this.#answer(body);
    else if (kind === kinds.pong) this.#measure(body);
    else this.refuse('it sends frames of an unknown kind; run the same release on both nodes');
  }

  #greet(kind: number | undefined, body: Uint8Array): void {
    const { identity, networkId, events } = this.#options;
    if (kind === kinds.hello && this.#theirs === undefined) {
      const hello = readHello(body, networkId);
      if ('refused' in hello) return this.refuse(hello.refused);
      this.#theirs = { hello, bytes: body };
      return this.#tell(kinds.proof, prove(identity, this.#hello, this.peer, hello.challenge));
    }
    if (kind === kinds.proof && this.#theirs !== undefined && !this.#verified) {
      if (!verifyProof(this.peer, this.#theirs.bytes, identity.peer, this.#challenge, body)) {
        return this.refuse('it did not prove its greeting');
      }
      const objection = events.genuine(this.#theirs.hello);
      if (objection !== undefined) return this.refuse(objection);
      this.#verified = true;
      this.#tell(kinds.welcome, new Uint8Array(0));
      return this.#admit();
    }
    if (kind === kinds.welcome && this.#theirs !== undefined && !this.#welcomed) {
      this.#welcomed = true;
      return this.#admit();
    }
    this.refuse('it greets out of order; run the same release on both nodes');
  }

  #admit(): void {
    if (!this.#verified || !this.#welcomed || this.#theirs === undefined || this.#state !== 'greeting') return;
    this.#state = 'admitted';
    this.#timers.greeting?.();
    this.#heard = this.#ticked = this.#options.clock.monotonic();
    this.#options.events.admitted(this.#theirs.hello);
    this.#tick();
  }

  #tick(): void {
    if (this.#state !== 'admitted') return;
    const { clock, rosterHash } = this.#options;
    const now = clock.monotonic();
    // If it was us who stood still, the peer's frames are waiting to be read.
    if (now - this.#ticked > 2 * limits.pingInterval) this.#heard = now;
    this.#ticked = now;
    if (now - this.#heard > limits.silence)
      return this.refuse(`silent for ${limits.silence / 1_000} s; check that it runs`);
    this.#timers.ping = clock.after(limits.pingInterval, () => this.#tick());
    this.#pinged = { number: ++this.#pings % 2 ** 32, at: now, wall: clock.now() };
    this.#tell(
      kinds.ping,
      wire.encode(ping, { number: this.#pinged.number, time: time(clock), rosterHash: rosterHash() }),
    );
  }

  #answer(body: Uint8Array): void {
    const asked = tryDecode(ping, body)?.value;
    if (asked === undefined) return this.refuse('it sends a malformed ping');
    const { clock, rosterHash } = this.#options;
    this.#tell(kinds.pong, wire.encode(ping, { number: asked.number, time: time(clock), rosterHash: rosterHash() }));
  }

  #measure(body: Uint8Array): void {
    const pong = tryDecode(ping, body)?.value;
    if (pong === undefined) return this.refuse('it sends a malformed pong');
    if (this.#pinged?.number !== pong.number) return;
    const roundTrip = this.#options.clock.monotonic() - this.#pinged.at;
    const clockSkew = pong.time - (this.#pinged.wall + roundTrip / 2);
    this.#pinged = undefined;
    this.#options.events.pulse({ roundTrip, clockSkew, rosterHash: pong.rosterHash });
  }

  /** Writes what nobody waits for. */
  #tell(kind: number, body: Uint8Array): void {
    this.#write(kind, body).catch((error: unknown) => {
      // The channel closed meanwhile; `closed` said so.
      if (!(error instanceof PeerUnavailable)) throw error;
    });
  }

  async #write(kind: number, body: Uint8Array): Promise<void> {
    const bytes = frame(concat(Uint8Array.of(kind), body), limits.frameBytes + 1);
    if (this.#waiting.length === 0 && !this.#options.stream.writableNeedsDrain) return this.#pass(bytes);
    if (this.#waitingBytes + bytes.length > limits.queuedOutgoingBytes) {
      this.refuse('it does not read what it is sent; check its load and link');
      throw new PeerUnavailable(this.peer, 'it does not read');
    }
    this.#waitingBytes += bytes.length;
    return new Promise((resolve, reject) => void this.#waiting.push({ bytes, resolve, reject }));
  }

  #flush(): void {
    while (this.#waiting.length > 0 && !this.#options.stream.writableNeedsDrain) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.bytes.length;
      try {
        this.#pass(next.bytes);
        next.resolve();
      } catch (error) {
        next.reject(error as Error);
      }
    }
  }

  #pass(bytes: Uint8Array): void {
    try {
      this.#options.stream.send(bytes);
    } catch {
      this.close();
      throw new PeerUnavailable(this.peer, 'the connection closed');
    }
  }
}

/** The wall clock as the wire carries it. */
function time(clock: Clock): number {
  return Math.max(0, Math.round(clock.now()));
}
