import type { LogLevel } from '../observe/log.ts';

/** What a client may ask: every combination of a key, a purpose and an action that match. `*` stands for any characters. */
export interface Right {
  readonly keys: readonly string[];
  readonly purposes: readonly string[];
  readonly actions: readonly ('sign' | 'sign-raw')[];
}

/** Who may ask this node, and for what. The same list should be in every node's file. */
export interface Client {
  readonly name: string;
  /** Ed25519, 64 hex digits. */
  readonly publicKey: string;
  readonly rights: readonly Right[];
}

/** What happens when a member proposes a ceremony that changes keys. */
export type Acceptance = 'auto' | 'ask' | 'deny';

/** `node.yaml`, with its defaults filled in. */
export interface ConfigFile {
  readonly name: string;
  /** The network's name; its hash is the network id. */
  readonly network: string;
  /** The data folder. */
  readonly data: string;
  readonly roster: string;
  /** The path of the admin socket; default `admin.sock` in the data folder. */
  readonly admin?: string | undefined;
  readonly listen: readonly string[];
  /** Where the root of the key hierarchy comes from: a file with the key, or one with a passphrase. */
  readonly root: { readonly keyFile: string } | { readonly passphraseFile: string };
  readonly clients: readonly Client[];
  readonly accept: { readonly default: Acceptance; readonly proposers: Readonly<Record<string, Acceptance>> };
  /** The purposes of keys in which this node takes part. */
  readonly purposes: readonly string[];
  /** Whether this node gives its shares away, when its operator says yes, so that a private key is put together. */
  readonly export: 'enabled' | 'disabled';
  /** The public keys of keys that this node may come to hold with others, by name: it joins the committee of no other. */
  readonly pins: Readonly<Record<string, string>>;
  /** Seconds that a session may take. */
  readonly sessionTimeout: number;
  /** Seconds between refreshes of a key's shares; 0 for none. */
  readonly refreshInterval: number;
  /** How many must sign, and how many hold, a new key, unless the request says. */
  readonly threshold?: number | undefined;
  readonly participants?: number | undefined;
  /** ECDSA keygens for which base transfers are made ahead, with every member; 0 for none. */
  readonly stock: number;
  /** Presignatures kept ready for each ECDSA key that signs, in memory; zero for none. */
  readonly presignatures: number;
  readonly limits: { readonly peerBytesPerSecond: number; readonly peerFramesPerSecond: number };
  readonly log: { readonly level: LogLevel };
}
