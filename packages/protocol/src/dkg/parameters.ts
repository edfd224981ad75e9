import { holdsReceiveKey } from '../dealing/shares.ts';
import type { Group, Point } from '../groups/group.ts';
import { isName, type Member, type PublicPackage } from '../keys.ts';
import type { Aead } from '../primitives/aead.ts';
import type { SignatureScheme } from '../primitives/signatures.ts';
import { InputError, type Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { Secret } from '../secret.ts';
import { MAX_PARTIES } from '../session/envelope.ts';

/** What a ceremony's Start fixes, and thereby the session id: the same at every member, and at any third party. */
export interface DkgParameters {
  readonly group: Group;
  readonly aead: Aead;
  readonly signatures: SignatureScheme;
  /** 32 bytes. */
  readonly network: Uint8Array;
  /** H(Start), 32 bytes. It must cover everything here: who has other parameters is in another session. */
  readonly sid: Uint8Array;
  /** Party 1 to n, in order. */
  readonly members: readonly Member[];
  /** How many must sign: 2 ≤ t ≤ n ≤ 100. */
  readonly threshold: number;
  /** The ephemeral key from each member's registration, to which its shares are sealed. */
  readonly receiveKeys: ReadonlyMap<Party, Point>;
  readonly statement: KeyStatement;
}

/** The fields of the public package that are agreed before the ceremony. */
export type KeyStatement = Pick<
  PublicPackage,
  'scheme' | 'keyId' | 'name' | 'purpose' | 'epoch' | 'baseEpoch' | 'tweak' | 'policyHash'
>;

export interface DkgInput extends DkgParameters {
  readonly me: Party;
  /** The logarithm of our receive key, big-endian in `group.scalarBytes` bytes. Stays the caller's, who wipes it. */
  readonly receiveSecret: Secret;
  readonly randomness: Randomness;
}

export interface DkgOutcome {
  /** Our share, a big-endian integer of `group.scalarBytes` bytes. The caller's from now on. */
  readonly share: Secret;
  readonly publicPackage: PublicPackage;
}

/** @throws {DkgInputError} before anything secret is made or sent */
export function checkInput(input: DkgInput): void {
  const { members, threshold, receiveKeys, statement } = input;
  const n = members.length;
  const sizes = Number.isSafeInteger(threshold) && threshold >= 2 && threshold <= n && n <= MAX_PARTIES;
  if (!sizes) throw new DkgInputError('threshold', `no ${threshold}-of-${n}: 2 ≤ t ≤ n ≤ ${MAX_PARTIES}`);
  const numbered = members.every(({ party, node }, i) => party === i + 1 && node.length === 32);
  if (!numbered) throw new DkgInputError('members', `members are not the parties 1 to ${n}, with 32-byte node keys`);
  if (members.some(({ party }) => !receiveKeys.has(party))) {
    throw new DkgInputError('receive-keys', 'a member has no receive key');
  }
  if (!holdsReceiveKey(input, input)) {
    throw new DkgInputError('receive-keys', 'the receive secret is not that of our receive key');
  }
  if (!isName(statement.name) || !isName(statement.purpose)) {
    throw new DkgInputError('statement', 'name or purpose is not a name');
  }
}

export type DkgInputErrorCode = 'threshold' | 'members' | 'receive-keys' | 'statement';

/** A key generation that cannot begin: our own side asked for something impossible. */
export class DkgInputError extends InputError {
  override readonly name = 'DkgInputError';
  readonly code: DkgInputErrorCode;

  constructor(code: DkgInputErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
