import { Abort, broadcast, exchange, type Party, type Protocol, type renewal, Secret, seeded } from '@quorate/protocol';
import { sealShare } from '../../packages/protocol/src/dealing/shares.ts';
import type { Verdict } from '../../packages/protocol/src/dealing/verdicts.ts';
import { proveSchnorrBatch } from '../../packages/protocol/src/proofs/schnorr.ts';
import type { Messages } from '../../packages/protocol/src/protocol.ts';
import {
  type Commitments,
  type Deal,
  nothing,
  type Portion,
  renewalFormats,
} from '../../packages/protocol/src/renewal/messages.ts';
import {
  coefficientContext,
  outcomeDigest,
  renewalDealing,
  renewedPackage,
} from '../../packages/protocol/src/renewal/outcome.ts';
import { commit } from '../../packages/protocol/src/sharing/feldman.ts';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import { evaluate } from '../../packages/protocol/src/sharing/polynomial.ts';

/** How a seat departs from the protocol; in all else it is consistent, and goes on to the end. */
export interface RenewalForgery {
  /** What it deals, dealer or not: t′ coefficients, the constant first. Without one it deals nothing. */
  readonly polynomial?: readonly bigint[];
  /** What it says of it to all. */
  readonly deal?: (honest: Commitments) => Deal;
  /** What it seals to a party. */
  readonly plaintext?: (to: Party, honest: Uint8Array) => Uint8Array;
  /** What it sends to a party. */
  readonly portion?: (to: Party, honest: Portion) => Portion;
  /** What it says in round 2, having received `dealt`. */
  readonly verdict?: (honest: Verdict, dealt: Messages<Deal, Portion>) => Verdict;
}

/** A corrupted seat. Its result holds no share. */
export function* forgedSeat(
  parameters: renewal.RenewalParameters,
  me: Party,
  forgery: RenewalForgery,
): Protocol<renewal.RenewalOutcome> {
  const { group, threshold, members, seats } = parameters;
  const formats = renewalFormats(group, threshold);
  const randomness = seeded(Uint8Array.of(me));
  const { polynomial } = forgery;
  let said: Deal = nothing;
  if (polynomial !== undefined) {
    const coefficients = commit(group, polynomial.slice(1));
    const context = coefficientContext(parameters, me);
    const proof = proveSchnorrBatch(group, context, polynomial.slice(1), coefficients, randomness);
    said = forgery.deal?.({ coefficients, proof }) ?? { type: 'deal', value: { coefficients, proof } };
  }
  const portions = new Map<Party, Portion>();
  for (const { party } of seats.filter((seat) => seat.party !== me)) {
    let honest: Portion = nothing;
    if (polynomial !== undefined && party <= members.length) {
      const value = group.encodeScalar(evaluate(primeField(group.order), polynomial, BigInt(party)));
      using plaintext = new Secret(forgery.plaintext?.(party, value) ?? value);
      honest = { type: 'share', value: sealShare(renewalDealing(parameters), me, party, plaintext, randomness) };
    }
    portions.set(party, forgery.portion?.(party, honest) ?? honest);
  }
  const dealt = yield* exchange(formats.deal, said, portions);
  const shown = new Map(
    [...dealt.broadcasts].flatMap(([party, { value }]): [Party, Commitments][] =>
      value.type === 'deal' ? [[party, value.value]] : [],
    ),
  );
  const complete = [...parameters.dealers.keys()].every((dealer) => shown.has(dealer));
  const publicPackage = complete ? renewedPackage(parameters, shown, dealt.transcript) : undefined;
  if (publicPackage === undefined) throw new Abort('deal', []);
  const confirmation: Verdict = { type: 'confirmation', value: outcomeDigest(parameters, publicPackage) };
  yield* broadcast(formats.verdict, forgery.verdict?.(confirmation, dealt) ?? confirmation);
  yield* broadcast(formats.return, {});
  return { share: undefined, publicPackage };
}
