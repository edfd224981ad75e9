import type { Certificate, NodeKey, PublicPackage, Randomness } from '@quorate/protocol';
import type { AuditLog, BanLedger, EpochInfo, KeyInfo, KeyRepository, MarkLedger } from '@quorate/storage';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { PeerId } from '../network/network.ts';
import type { Log } from '../observe/log.ts';
import type { Tools } from '../tools.ts';
import type { StandingMessage } from './messages.ts';

/** An epoch that may be what another one renews. */
export type KnownEpoch = Pick<EpochInfo, 'certificate' | 'epoch' | 'publicPackage'>;

/** What the standing of nodes is judged with. */
export interface StandingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly randomness: Randomness;
  readonly tools: Tools;
  readonly key: NodeKey;
  readonly marks: MarkLedger;
  readonly audit: AuditLog;
  readonly bans: BanLedger;
  readonly keys: KeyRepository;
  bootEpoch(): Uint8Array;
  /** Takes a boot epoch with this counter, synced. */
  renewBoot(counter: number): Promise<void>;
  /** The members of the roster, oneself included. */
  members(): readonly { readonly peer: PeerId; readonly node: Uint8Array }[];
  nameOf(peer: PeerId): string;
  peerOf(node: Uint8Array): PeerId;
  connected(): readonly PeerId[];
  packageOf(key: KeyInfo, epoch: EpochInfo): PublicPackage;
  send(peer: PeerId, message: StandingMessage): void;
  /**
   * What a certificate certifies, by what is known of its key here, and by these other epochs of it.
   * @throws {CertificateError}
   */
  certified(certificate: Certificate, more: (keyId: Uint8Array) => readonly KnownEpoch[]): PublicPackage;
  /** From here on the node takes part in nothing: what is open ends. */
  held(reason: string): void;
  /** Drops everything that is set up with others, and what was made with it. */
  burn(): Promise<void>;
  /** Nothing is trusted to `peer` from here on: sessions with it end. */
  doubted(peer: PeerId): void;
  /** A certificate of an epoch whose share is here: it may be what is missing. */
  certificate(peer: PeerId, certificate: Uint8Array): void;
  /** Shows a peer what certifies an epoch of a key: it may be what it misses. */
  show(peer: PeerId, certificate: Uint8Array): void;
  /** A durable step failed: the node must stop. */
  fatal(error: unknown): void;
}
