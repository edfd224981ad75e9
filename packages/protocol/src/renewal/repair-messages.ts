import {
  type Complaint,
  complaintCodec,
  MAX_ENVELOPE,
  type MaybeOpening,
  maybeOpeningCodec,
} from '../dealing/verdicts.ts';
import type { Group } from '../groups/group.ts';
import type { Party, RoundSpec } from '../protocol.ts';
import { bytes, type Codec, choice, fixed, point, struct, u16, vector } from '../wire/codec.ts';
import { message, type Nothing, type Portion, portionCodec } from './messages.ts';
import type { Split } from './repair-parameters.ts';

/** Round 1, to all: from helpers, the commitments to the parts of the other helpers, in their order. */
export type Parts = Nothing | { readonly type: 'parts'; readonly value: Split };

/** Round 2, to all. */
export type Check = Satisfied | { readonly type: 'complaint'; readonly value: Complaint };

/** Round 3, to all. Only the lost party may complain. */
export type SumCheck = Satisfied | { readonly type: 'complaint'; readonly value: SumComplaint };

interface Satisfied {
  readonly type: 'satisfied';
  readonly value: Uint8Array;
}

export const satisfied: Satisfied = { type: 'satisfied', value: new Uint8Array(0) };

/** What convinces everybody who has the messages of rounds 1 and 2 that a helper sent a bad sum. */
export interface SumComplaint {
  readonly helper: Party;
  /** The helper's signed envelope with the sum. */
  readonly sum: Uint8Array;
  readonly opening: MaybeOpening;
}

/** The place of each round in the ceremony. */
export const repairIndex = { parts: 0, sums: 1, verdict: 2 } as const;

export interface RepairFormats {
  readonly parts: RoundSpec<Parts, Portion> & { readonly broadcast: Codec<Parts>; readonly direct: Codec<Portion> };
  /** To each: the sum from helpers to the lost party, else nothing. */
  readonly sums: RoundSpec<Check, Portion> & { readonly broadcast: Codec<Check>; readonly direct: Codec<Portion> };
  readonly verdict: RoundSpec<SumCheck, never> & { readonly broadcast: Codec<SumCheck> };
}

/** The formats of a repair with that many helpers. */
export function repairFormats(group: Group, helpers: number): RepairFormats {
  const direct = portionCodec(group);
  const parts = vector(point(group), helpers - 1);
  const complaint = struct({ helper: u16, sum: bytes(MAX_ENVELOPE), opening: maybeOpeningCodec(group) });
  return {
    parts: { label: 'parts', broadcast: message(choice({ nothing: fixed(0), parts }) as Codec<Parts>), direct },
    sums: {
      label: 'sums',
      broadcast: message(choice({ satisfied: fixed(0), complaint: complaintCodec(group) }) as Codec<Check>),
      direct,
    },
    verdict: {
      label: 'verdict',
      broadcast: message(choice({ satisfied: fixed(0), complaint }) as Codec<SumCheck>),
    },
  };
}

/** The rounds of a repair, for a court and for tests that attack every field. */
export function repairRounds(group: Group, helpers: number): readonly RoundSpec[] {
  const formats = repairFormats(group, helpers);
  return [formats.parts, formats.sums, formats.verdict] as readonly RoundSpec[];
}
