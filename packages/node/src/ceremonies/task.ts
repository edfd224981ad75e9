import type {
  CeremonyKind,
  Court,
  dkls23,
  Group,
  Member,
  NodeKey,
  Party,
  PublicPackage,
  Randomness,
  Start,
} from '@quorate/protocol';
import type { AuditLog, BanLedger, BlameLedger, KeyRepository, RequestLedger, SessionLedger } from '@quorate/storage';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { PeerId } from '../network/network.ts';
import type { Log } from '../observe/log.ts';
import type { CeremonyView, ProposalView } from '../service.ts';
import type { Standings } from '../standing/standings.ts';
import type { Stock } from '../stock/stock.ts';
import type { Tools } from '../tools.ts';
import type { Host } from './host.ts';
import type { PassingSecrets } from './imports.ts';
import type { JobName, Jobs } from './jobs/jobs.ts';
import type { PresignaturePool } from './presigning/pool.ts';

/** What ceremonies work with: the doors, the stores, the rules. */
export interface Workshop {
  readonly config: Config;
  /** The members of the roster in force, oneself included; it may change while the node runs. */
  members(): readonly RosterNode[];
  /** The name of a node key in the roster, or the beginning of its PeerId. */
  nameOf(node: Uint8Array): string;
  nameOfPeer(peer: PeerId): string;
  /** The key under which a plain verifier accepts signatures of this epoch. */
  publicKeyOf(keyId: Uint8Array, epoch: number): Uint8Array;
  readonly blames: Pick<BlameLedger, 'record'>;
  readonly bans: BanLedger;
  readonly clock: Clock;
  readonly log: Log;
  readonly randomness: Randomness;
  readonly key: NodeKey;
  /** Another one after the node has recovered from a rollback. */
  readonly bootEpoch: Uint8Array;
  readonly tools: Tools;
  readonly keys: KeyRepository;
  readonly requests: RequestLedger;
  readonly sessions: SessionLedger;
  readonly audit: AuditLog;
  readonly stock: Pick<Stock, 'take' | 'drop' | 'receive' | 'greet' | 'lost'>;
  readonly standings: Pick<
    Standings,
    | 'doubts'
    | 'expectShare'
    | 'expectWell'
    | 'floor'
    | 'greet'
    | 'isDoubted'
    | 'lost'
    | 'lostShare'
    | 'receive'
    | 'renew'
    | 'stir'
  >;
  readonly presignatures: PresignaturePool;
  /** Private keys that are to be shared out, and those that were put together, by request. */
  readonly imports: PassingSecrets;
  readonly exports: PassingSecrets;
  /** Where heavy work runs. */
  host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']>;
}

/** A member of the roster. */
export interface RosterNode {
  readonly name: string;
  readonly peer: PeerId;
  /** Its node key, 32 bytes. */
  readonly node: Uint8Array;
}

/** A request that this node verified: what every kind of ceremony has in common. */
export interface Task {
  readonly kind: CeremonyKind;
  /** The request id, 32 bytes. */
  readonly id: Uint8Array;
  /** H(body), 32 bytes: what participants register for. */
  readonly digest: Uint8Array;
  /** The encoded request, as it is passed on. */
  readonly body: Uint8Array;
  readonly keyName: string;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** The epoch that is dealt from, if it deals a key anew. */
  readonly base?: number;
  readonly members: readonly Member[];
  /** The node key, 32 bytes, of the member that proposed it; undefined if a client ordered it. */
  readonly proposer: Uint8Array | undefined;
  /** What it does to its key: makes it, deals it anew or gives a share of it back, gives it away; or only uses it. */
  readonly effect: 'makes' | 'renews' | 'reveals' | 'uses';
  /** Of two that bear the same only one goes on: the newer one, if the one that is open yields to it. */
  readonly rival?: string;
  /** How many must take part. */
  readonly need: number;
  /** Wall clock, milliseconds since 1970, after which nothing new begins. */
  readonly expires: number;
  /** Whether the rules let this node take part by themselves, or its operator must. */
  readonly decision: 'auto' | 'ask';
  /** The group of the registration's ephemeral receive key, if the protocol needs one. */
  readonly receives: Group | undefined;
  /** Members with which this node holds no session of this kind now: banned, or nothing is set up with them. */
  readonly apart: readonly Party[];
  /** Whether guarded steps hold their peers: two of them with one peer must never be answered at once. */
  readonly exclusive: boolean;
  /** Milliseconds that the others get for one round. */
  readonly roundDeadline: number;
  /** What an operator is asked to accept. */
  readonly shown: ProposalView | undefined;
  /** The protocol's formats and rules of evidence, for these participants. */
  court(start: Start): Pick<Court, 'rounds' | 'rules'>;
  /** Whether it is given up for a newer one, its rival. */
  yieldsTo?(newer: Task, isRunning: boolean): boolean;
  /** Whether its proposer has given it up, for it proposes `newer`. */
  isOutdoneBy?(newer: Task): boolean;
  /** The protocol itself. @param receiveSecret the encoded scalar of our registration's receive key, to be wiped by the job */
  host(session: TaskSession, receiveSecret: Uint8Array | undefined): Promise<Host<unknown>>;
  /** What the operator must show to have seen before accepting. @throws {ServiceError} `invalid`, `wrong-key` */
  confirm?(publicKey: string | undefined): void;
  /**
   * What the participants show each other about the output before anybody keeps it, in a session of its own; undefined if this
   * one has nothing to show.
   */
  proof?(output: unknown, session: TaskSession): Proof | undefined;
  /** Whether a certified epoch with its number is what was to come of it: others may have taken the number for another. */
  comesTo?(certified: Pick<PublicPackage, 'baseEpoch' | 'members' | 'threshold'>): boolean;
  /** Whether it may still be prepared. @throws {ServiceError} `expired` */
  expectCurrent?(): void;
  /**
   * What to do with the protocol's output: record it, durably, and say what became of it.
   * @param milliseconds since the request became known here
   */
  complete(output: unknown, session: TaskSession, milliseconds: number): Promise<TaskOutcome>;
}

/** A second session of the participants of the first one. */
export interface Proof {
  /** Those of them that take part. */
  readonly parties: readonly Party[];
  /** It follows from the first session and its output: 32 bytes. */
  readonly sid: Uint8Array;
  readonly court: Pick<Court, 'rounds' | 'rules'>;
  readonly host: Host<unknown>;
  /** What is kept in the end, of what both sessions came to. */
  join(result: unknown): unknown;
  /** It failed: wipes the output of the first session. */
  discard(): void;
}

export interface TaskSession {
  readonly start: Start;
  readonly sid: Uint8Array;
  readonly me: Party;
  /** The one that the Start names, taken out of the pool; whoever began the session wipes it. */
  readonly presignature: dkls23.Presignature | undefined;
}

export type TaskOutcome =
  | { readonly type: 'finished'; readonly result: NonNullable<CeremonyView['result']> }
  /** The share is on disk and READY is signed: certification decides. */
  | { readonly type: 'prepared' };
