import type { Point } from '../groups/group.ts';
import type { RoundSpec } from '../protocol.ts';
import { type Codec, mapped, point, scalar, struct, version } from '../wire/codec.ts';
import type { Ciphersuite } from './ciphersuite.ts';

const COMMITMENT_VERSION = 1;
const SHARE_VERSION = 1;

/** What a `commitments` message says; who says it is in its envelope. */
export interface CommitmentMessage {
  readonly hiding: Point;
  readonly binding: Point;
}

type Broadcast<T> = RoundSpec<T, never> & { readonly broadcast: Codec<T> };

/** Round one: commitments to nonces. Guarded, because what comes next spends them. */
export function commitmentsRound({ group }: Ciphersuite): Broadcast<CommitmentMessage> {
  const codec = struct({ version: version(COMMITMENT_VERSION), hiding: point(group), binding: point(group) });
  return {
    label: 'commitments',
    broadcast: mapped(
      codec,
      ({ hiding, binding }: CommitmentMessage) => ({ version: COMMITMENT_VERSION, hiding, binding }),
      ({ hiding, binding }) => ({ hiding, binding }),
    ),
    guarded: true,
  };
}

/** Round two: signature shares. */
export function sharesRound({ group }: Ciphersuite): Broadcast<bigint> {
  const codec = struct({ version: version(SHARE_VERSION), share: scalar(group) });
  return {
    label: 'shares',
    broadcast: mapped(
      codec,
      (share: bigint) => ({ version: SHARE_VERSION, share }),
      ({ share }) => share,
    ),
  };
}

/** The format of every round of a signing, in order. */
export function signRounds(suite: Ciphersuite): readonly RoundSpec[] {
  return [commitmentsRound(suite), sharesRound(suite)] as readonly RoundSpec[];
}
