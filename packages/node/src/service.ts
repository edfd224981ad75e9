import type { BitcoinNetwork, CeremonyKind, frost, Scheme, Secret } from '@quorate/protocol';
import type { SignRequest } from './policy/sign-request.ts';

/**
 * What a running node offers to whoever may talk to it: the admin socket today, the public API later. Everything in it is
 * public data; bytes are lower-case hex, times are milliseconds since 1970.
 */
export interface Service {
  status(): Promise<StatusView>;
  health(): Promise<HealthView>;
  /** What this node decided and did. @throws {ServiceError} `integrity` */
  audit(order: AuditOrder): Promise<AuditView>;
  peers(): readonly PeerView[];
  /**
   * Sits with a banned member again: the pairs of all ECDSA keys are set up anew with it, from the bottom, as soon as it is there.
   * @throws {ServiceError} `peer-unknown`, `not-banned`
   */
  unban(name: string): Promise<PeerView>;
  /** The operator's word that no other instance of this identity runs. @throws {ServiceError} `not-suspended` */
  resolve(): Promise<StandingView>;
  roster(): readonly MemberView[];
  /** Those that are quarantined, too. */
  keys(): Promise<readonly (KeyView | QuarantinedKeyView)[]>;
  /** @throws {ServiceError} `key-unknown`, `integrity` if it is quarantined */
  key(name: string): Promise<KeyView>;
  /**
   * The share of a frozen key is used for nothing here until it is thawed: this node neither signs with it nor deals, gives or
   * packages anything of it, so that whatever needs every member waits.
   * @throws {ServiceError} `key-unknown`, `not-member`
   */
  freeze(name: string, frozen: boolean): Promise<KeyView>;
  /**
   * A key, or the child of an ECDSA key at a BIP-32 path, and where others may send to it.
   * @param bitcoin the network whose addresses are told, where they are Bitcoin's
   * @throws {ServiceError} `key-unknown`, `not-member`, `invalid` for what is no path and for a child of a key that has none
   */
  addresses(name: string, path: string, bitcoin: BitcoinNetwork): Promise<AddressesView>;
  /**
   * Proposes new shares of a key to its committee, whatever the schedule says; the ceremony runs on.
   * @throws {ServiceError} `key-unknown`, `not-member`, `integrity`, `denied`, `busy`, `no-quorum` when a member is away
   */
  refresh(name: string): Promise<CeremonyView>;
  /** What a reshare would change, and what keeps it from beginning now. @throws {ServiceError} `key-unknown`, `not-member`, `invalid` */
  previewReshare(name: string, order: ReshareOrder): Promise<ReshareView>;
  /**
   * Proposes that a key go to another committee, or to another threshold, to all who take part; the ceremony runs on.
   * @throws {ServiceError} `key-unknown`, `not-member`, `denied`, `invalid`, `busy`, `no-quorum` when somebody is away
   */
  reshare(name: string, order: ReshareOrder): Promise<CeremonyView>;
  /**
   * Has this node's share of a key given back by other members, when it was lost here; nobody else's changes.
   * @throws {ServiceError} `request-conflict` if nothing is lost, `no-quorum`, `busy`, `integrity` if it is another key,
   *   `invalid` if it cannot be told which key it is and the order does not say
   */
  repair(name: string, order?: RepairOrder): Promise<CeremonyView>;
  /** Proposes a key to its committee; the ceremony runs on. @throws {ServiceError} `denied`, `name-taken`, `invalid` */
  keygen(order: KeygenOrder): Promise<CeremonyView>;
  /**
   * Shares out a key that this machine knows; the ceremony runs on. Nothing is signed with the key until a refresh, which follows by
   * itself, has made the dealt shares worthless; to whoever knew it before, it stays known.
   * @param secret the logarithm of the key, big-endian, 32 bytes; the service's from now on
   * @throws {ServiceError} `invalid` if the public key is another's, `denied`, `name-taken`
   */
  importKey(order: ImportOrder, secret: Secret): Promise<CeremonyView>;
  /**
   * Has the private key put together at this node, by a quorum whose operators all say yes; the ceremony runs on. The key counts
   * as exported on every member that takes part, for ever.
   * @throws {ServiceError} `denied` where `export` is not switched on, `no-quorum`, `key-unknown`
   */
  exportKey(name: string, order?: ExportOrder): Promise<CeremonyView>;
  /** The private key that an export has put together here: big-endian, once. @throws {ServiceError} `ceremony-unknown` */
  takeExported(id: string): Secret;
  /**
   * This node's share, and what is public of the key, as other FROST software reads them; the key counts as exported here, for ever.
   * @throws {ServiceError} `denied` where `export` is not switched on, `invalid` for ECDSA, `key-unknown`
   */
  keyPackage(name: string): Promise<frost.ZfPackages>;
  /** Submits a client's signed order; the same order may be submitted again, anywhere. @throws {ServiceError} */
  sign(request: SignRequest): Promise<CeremonyView>;
  /** The ceremony, after it ended or after `waitMilliseconds`, whichever is first. @throws {ServiceError} `ceremony-unknown` */
  ceremony(id: string, waitMilliseconds: number): Promise<CeremonyView>;
  /** Newest first; the last few hundred. */
  ceremonies(): readonly CeremonyView[];
  /** Calls `seen` for every change of a ceremony until the returned function is called. */
  follow(seen: (ceremony: CeremonyView) => void): () => void;
  /**
   * Lets a ceremony that waits for the operator (`accept: ask`) go on here.
   * @param publicKey of the key, as the operator knows it: needed to join the committee of a key that is not pinned
   * @throws {ServiceError} `wrong-key` if the ceremony is about another one
   */
  accept(id: string, publicKey?: string): Promise<CeremonyView>;
  /** Withdraws this node from a ceremony that is not done. @throws {ServiceError} */
  cancel(id: string): Promise<CeremonyView>;
}

export interface StatusView {
  readonly name: string;
  readonly peerId: string;
  readonly network: string;
  readonly version: string;
  readonly formatVersion: number;
  readonly startedAt: number;
  /** Counter ‖ random. */
  readonly bootEpoch: string;
  readonly listen: readonly string[];
  /** Which library computes in each group, e.g. `{ ed25519: 'libsodium', secp256k1: 'noble' }`. */
  readonly backends: Readonly<Record<string, string>>;
  readonly peers: { readonly connected: number; readonly total: number };
  readonly keys: number;
  readonly openCeremonies: number;
  /** Members with whom base transfers for ECDSA keygens are made ahead, and with how many there are some now, both ways. */
  readonly stock: { readonly pairs: number; readonly ready: number };
  /** Hash of this node's roster, and the names of connected peers whose roster differs. */
  readonly roster: { readonly hash: string; readonly differing: readonly string[] };
  readonly audit: { readonly sequence: number; readonly head: string };
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number };
  /** Milliseconds of event-loop delay, since the last status. */
  readonly eventLoop: { readonly p50: number; readonly p99: number };
  readonly standing: StandingView;
  /** What the operator should know, in sentences. */
  readonly warnings: readonly string[];
}

/** Which entries of the audit log: those after a number, at most so many; the newest without one. */
export interface AuditOrder {
  readonly after?: number | undefined;
  readonly most: number;
}

/** Entries, oldest first, each bound to the one before by its hash, and the newest that there is. */
export interface AuditView {
  readonly entries: readonly {
    readonly sequence: number;
    readonly time: number;
    readonly kind: string;
    readonly fields: Readonly<Record<string, string | number | boolean>>;
    readonly previous: string;
    readonly hash: string;
  }[];
  readonly head: { readonly sequence: number; readonly hash: string };
}

/** Whether this node is the only one of its identity, and as far as it ever was. */
export interface StandingView {
  /**
   * `recovering`: it was rolled back; it takes part in nothing until others have confirmed where it stands. `suspended`: besides,
   * its operator has to see to it that it is the only instance, and say so. `resolved`: recovering, after the operator said so.
   */
  readonly state: 'well' | 'recovering' | 'suspended' | 'resolved';
  /** Why it is not well, and what to do. */
  readonly reason: string | undefined;
  /** The peers that confirmed in the latest round, and those that will not sit with this identity. */
  readonly confirmedBy: readonly string[];
  readonly doubtedBy: readonly string[];
}

/**
 * `ready` is whether this node can take part; each key says whether this node can have something signed with it now, as far as it
 * knows: who froze a key elsewhere does not say so. Of a quarantined key there is no more than the name, or the id.
 */
export interface HealthView {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly keys: readonly {
    readonly name: string;
    readonly threshold: number;
    readonly online: number;
    readonly parties: number;
    readonly signable: boolean;
    /** Why not, in a sentence. */
    readonly problem?: string | undefined;
  }[];
}

export interface PeerView {
  readonly name: string;
  readonly peerId: string;
  readonly connected: boolean;
  readonly since: number | undefined;
  readonly roundTripMilliseconds: number | undefined;
  readonly clockSkewMilliseconds: number | undefined;
  readonly version: string | undefined;
  readonly sameRoster: boolean | undefined;
  readonly refused: string | undefined;
  /** Blame against this peer that this node holds evidence for. */
  readonly blames: number;
  /** Two nodes present its identity, or it was rolled back: nothing is done with it until its operator has settled that. */
  readonly doubted: boolean;
  /** This node holds no ECDSA session with it any more: it failed a check that depends on a secret. */
  readonly banned: boolean;
  /** ECDSA keys shared with it: those for which something to multiply is set up, and those for which it is not, yet. */
  readonly pairs: { readonly ready: number; readonly missing: number };
}

export interface MemberView {
  readonly name: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly region: string | undefined;
}

export interface KeyView {
  readonly name: string;
  readonly keyId: string;
  readonly scheme: Scheme;
  readonly purpose: string;
  readonly threshold: number;
  /** What this threshold gives up, in a sentence; undefined if nothing. */
  readonly trade: string | undefined;
  readonly parties: readonly { readonly party: number; readonly name: string; readonly peerId: string }[];
  readonly epoch: number;
  /** `elsewhere`: this node has left the committee, which is the one that is shown. */
  readonly state: 'prepared' | 'certified' | 'active' | 'retiring' | 'shredded' | 'approved' | 'elsewhere';
  readonly frozen: boolean;
  /** The key under which a plain verifier accepts signatures: for Taproot the x-only output key. */
  readonly publicKey: string;
  readonly tweak: string;
  /** When this node came to know the key: when it was made, if it took part. */
  readonly knownSince: number;
  /** When it came by the epoch that is shown. */
  readonly epochAt: number;
  /** One machine knew the key before it came here: it is worth as much as its past. */
  readonly imported: boolean;
  /** The private key was put together somewhere, with this node's share, or the share was given to other software. */
  readonly exported: boolean;
  /** Undefined until the key is in use. */
  readonly refresh: RefreshView | undefined;
  /** Why this node's share needs a repair, in a sentence; undefined if it does not, as far as is known. */
  readonly repair: string | undefined;
  /** ECDSA: how many signatures this node could make with what was prepared ahead. */
  readonly presignatures: number;
}

/** A key of which something is damaged here: nothing is done with it until it is repaired. */
export interface QuarantinedKeyView {
  /** Empty if it is lost. */
  readonly name: string;
  readonly keyId: string;
  readonly state: 'quarantined';
  /** What is damaged. */
  readonly reason: string;
}

export interface RepairOrder {
  /** Which key it is, as {@link KeyView} has it; needed where nothing of the key is left. */
  readonly publicKey?: string | undefined;
  /** Names of at least as many other members as must sign; default: some who are connected. */
  readonly helpers?: readonly string[] | undefined;
}

/** The renewal of a key's shares. Times are milliseconds since 1970. */
export interface RefreshView {
  /** When the shares in use were made. */
  readonly lastAt: number;
  /** When they are to be renewed; undefined if no schedule is configured. */
  readonly dueAt: number | undefined;
  /** What keeps a refresh that is due from happening. */
  readonly problem: string | undefined;
}

export interface AddressesView {
  /** `m` for the key itself. */
  readonly path: string;
  /** As in {@link KeyView}: 32 bytes, for ECDSA 33 (SEC 1, compressed). */
  readonly publicKey: string;
  /** ECDSA: SEC 1, uncompressed, 65 bytes. */
  readonly uncompressed?: string;
  readonly addresses: readonly { readonly kind: AddressKind; readonly address: string }[];
}

/** Of ECDSA keys `ethereum`, and Bitcoin's `p2wpkh` and `p2pkh`; of Taproot keys Bitcoin's `p2tr`; of Ed25519 keys `solana`. */
export type AddressKind = 'ethereum' | 'p2wpkh' | 'p2pkh' | 'p2tr' | 'solana';

export interface KeygenOrder {
  readonly name: string;
  readonly scheme: Scheme;
  readonly purpose?: string | undefined;
  /** Default: the configuration's, else a majority. */
  readonly threshold?: number | undefined;
  /** Names from the roster; default: the first `participants` of the configuration, else all members. */
  readonly members?: readonly string[] | undefined;
  /** Needed when the threshold is below n / 2: says that fewer corrupt parties than a majority can forge. */
  readonly allowLowThreshold?: boolean | undefined;
}

export interface ExportOrder {
  /** Names of the other members that take part; default: some who are connected. */
  readonly helpers?: readonly string[] | undefined;
}

export interface ImportOrder extends KeygenOrder {
  /** As {@link KeyView} has it: what the secret must belong to. */
  readonly publicKey: string;
}

export interface ReshareOrder {
  /** Names from the roster; default: the members that there are. */
  readonly members?: readonly string[] | undefined;
  /** Default: the threshold that there is. */
  readonly threshold?: number | undefined;
  /** As of a {@link KeygenOrder}. */
  readonly allowLowThreshold?: boolean | undefined;
}

/** What a reshare changes. */
export interface ReshareView {
  readonly key: string;
  readonly scheme: Scheme;
  /** Stays the same. */
  readonly publicKey: string;
  /** The one in use. */
  readonly epoch: number;
  readonly before: { readonly threshold: number; readonly parties: number };
  readonly after: { readonly threshold: number; readonly parties: number };
  readonly members: readonly {
    readonly name: string;
    readonly change: 'stays' | 'joins' | 'leaves';
    /** Whether it would deal from its share. */
    readonly deals: boolean;
    readonly connected: boolean;
  }[];
  /** What it means, in sentences. */
  readonly notes: readonly string[];
  /** What keeps it from beginning now, in sentences. */
  readonly problems: readonly string[];
}

/** Each state says what it implies, and what it does not: see `ceremonies/ceremony.ts`. */
export type CeremonyStateName = 'proposed' | 'accepted' | 'running' | 'confirming' | 'done' | 'failed';

export interface CeremonyView {
  /** The request id. */
  readonly id: string;
  readonly kind: CeremonyKind;
  readonly key: string;
  readonly state: CeremonyStateName;
  /** The label of the open round while running. */
  readonly round: string | undefined;
  readonly attempt: number;
  readonly coordinator: string | undefined;
  /** Names of the parties that take part in the current or last attempt. */
  readonly participants: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Set when it waits for this node's operator. */
  readonly needsAccept: boolean;
  /** Names of the members that have not said yes yet, as far as is known here: their operators may be asked. */
  readonly waitsFor?: readonly string[] | undefined;
  /** What is proposed, as this node verified it. */
  readonly proposal: ProposalView | undefined;
  readonly result:
    | { readonly type: 'key'; readonly publicKey: string; readonly epoch: number }
    | ({
        readonly type: 'signature';
        readonly publicKey: string;
        readonly scheme: Scheme;
        readonly signers: readonly string[];
        readonly milliseconds: number;
      } & SignatureForms)
    /** What later signatures need is in place: nothing to show. */
    | { readonly type: 'material' }
    | undefined;
  readonly failure:
    | {
        readonly code: FailureCode;
        readonly reason: string;
        /** Proven cheaters. */
        readonly culprits: readonly { readonly name: string; readonly code: string }[];
        /** Silent or unreachable; nobody's fault as far as one can prove. */
        readonly suspects: readonly string[];
      }
    | undefined;
}

/** What a member proposes: what its operators accept or not. */
export interface ProposalView {
  /** The name of the member that proposes. */
  readonly proposer: string;
  readonly scheme: Scheme;
  readonly purpose: string;
  readonly threshold: number;
  /** As of a {@link KeyView}, of a committee that is proposed. */
  readonly trade?: string | undefined;
  /** Names of the committee; of an export or a repair, of those who take part in it. */
  readonly members: readonly string[];
  readonly expires: number;
  /** Of an export or a repair: of how many parties of the key `threshold` must sign, and what it means to accept, in a sentence. */
  readonly parties?: number;
  readonly meaning?: string;
  /** Of a reshare: whose key it is until then. */
  readonly reshare?: {
    readonly publicKey: string;
    /** Whether the operator must give the public key to accept: this node joins, and cannot know it. */
    readonly mustConfirm: boolean;
    readonly threshold: number;
    readonly members: readonly string[];
    readonly joining: readonly string[];
    readonly leaving: readonly string[];
  };
}

/** A signature in the forms that clients take. */
export interface SignatureForms {
  /** 64 bytes: R ‖ z of Ed25519 and BIP-340, r ‖ s of ECDSA, with the lower s. */
  readonly signature: string;
  /** ECDSA: the 32 bytes that were signed. */
  readonly digest?: string;
  /** ECDSA: which of the keys that r and s fit is ours, 0 to 3. */
  readonly recovery?: number;
  /** ECDSA: as X.690 has it. */
  readonly der?: string;
}

export type FailureCode =
  | 'denied'
  | 'cheated'
  | 'timeout'
  | 'no-quorum'
  | 'cancelled'
  | 'expired'
  | 'conflict'
  | 'integrity'
  | 'moved'
  | 'suspended'
  | 'stopped';

export type ServiceErrorCode =
  | 'invalid'
  | 'denied'
  | 'key-unknown'
  | 'wrong-key'
  | 'not-member'
  | 'peer-unknown'
  | 'not-banned'
  | 'name-taken'
  | 'ceremony-unknown'
  | 'request-conflict'
  | 'expired'
  | 'busy'
  | 'no-quorum'
  | 'not-waiting'
  | 'integrity'
  | 'suspended'
  | 'not-suspended'
  | 'stopping';

/** What the service refuses, and what to do next. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
