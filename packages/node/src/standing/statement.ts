import { equal, hash, type NodeKey, type SignatureScheme, tryDecode, wire } from '@quorate/protocol';
import type { Standing } from '@quorate/storage';
import { limits } from '../limits.ts';
import { bootCounter, bootEpochBytes } from '../network/hello.ts';
import { tags } from '../tags.ts';

/** How far a node is, by its own word, signed so that it can be shown to others, and to the node itself, later. */
export interface Statement {
  readonly network: Uint8Array;
  /** The node key of whoever says it, 32 bytes. */
  readonly node: Uint8Array;
  readonly bootEpoch: Uint8Array;
  /** Its statements of this start: 1, 2, … */
  readonly counter: number;
  /** The node keys that it holds no ECDSA session with, the latest ones: who forgot its bans is told them by its own word. */
  readonly bans: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

const STATEMENT_VERSION = 1;

const said = {
  version: wire.version(STATEMENT_VERSION),
  network: wire.fixed(32),
  node: wire.fixed(32),
  bootEpoch: wire.fixed(bootEpochBytes),
  counter: wire.u48,
  bans: wire.list(wire.fixed(32), limits.statedBans),
};
const saidCodec = wire.struct(said);
const statementCodec = wire.struct({ ...said, signature: wire.fixed(64) });

/** Signs it and encodes it. */
export function state(unsigned: Omit<Statement, 'signature' | 'node'>, key: NodeKey): Uint8Array {
  const statement = { ...unsigned, version: STATEMENT_VERSION, node: key.publicKey };
  return wire.encode(statementCodec, { ...statement, signature: key.sign(digestOf(statement)) });
}

/** The statement, if `node` made it in this network. */
export function readStatement(
  bytes: Uint8Array,
  network: Uint8Array,
  node: Uint8Array,
  signatures: SignatureScheme,
): Statement | undefined {
  const statement = tryDecode(statementCodec, bytes)?.value;
  if (statement === undefined) return undefined;
  if (!equal(statement.network, network) || !equal(statement.node, node)) return undefined;
  return signatures.verify(node, digestOf(statement), statement.signature) ? statement : undefined;
}

/** As the ledger keeps it. */
export function standingOf({ bootEpoch, counter }: Statement, statement: Uint8Array): Standing {
  return { bootEpoch, counter, statement };
}

/**
 * How often the node took a new beginning, after a rollback or a clone: the upper half of its boot counter. It is what settles
 * earlier contradictions, since a restart alone does not raise it.
 */
export function generationOf(bootEpoch: Uint8Array): number {
  return Number(bootCounter(bootEpoch) >> 32n);
}

/** The boot counter with which a generation begins; undefined if there are no more. */
export function firstOf(generation: number): number | undefined {
  return generation < 2 ** 16 ? generation * 2 ** 32 : undefined;
}

function digestOf(statement: Omit<Statement, 'signature'>): Uint8Array {
  return hash(tags.statement, wire.encode(saidCodec, { ...statement, version: STATEMENT_VERSION }));
}
