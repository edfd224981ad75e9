import {
  broadcast,
  type DkgOutcome,
  type DkgParameters,
  deliver,
  type Party,
  type Protocol,
  type PublicPackage,
  Secret,
  seeded,
} from '@quorate/protocol';
import { shareContext } from '../../packages/protocol/src/dealing/shares.ts';
import type { Verdict } from '../../packages/protocol/src/dealing/verdicts.ts';
import { dkgFormats, type Reveal, type Share } from '../../packages/protocol/src/dkg/messages.ts';
import {
  coefficientContext,
  commitmentTo,
  dkgDealing,
  outcomeDigest,
  publicOutcome,
} from '../../packages/protocol/src/dkg/outcome.ts';
import { sealTo } from '../../packages/protocol/src/proofs/encryption.ts';
import { proveSchnorrBatch } from '../../packages/protocol/src/proofs/schnorr.ts';
import { commit } from '../../packages/protocol/src/sharing/feldman.ts';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import { evaluate } from '../../packages/protocol/src/sharing/polynomial.ts';

/** How a dealer departs from the protocol; in all else it is consistent, and goes on to the end. */
export interface Forgery {
  /** The polynomial it deals, t coefficients. */
  readonly polynomial: readonly bigint[];
  /** What it commits to and reveals. */
  readonly reveal?: (honest: Reveal) => Reveal;
  /** What it seals to a party. */
  readonly plaintext?: (to: Party, honest: Uint8Array) => Uint8Array;
  /** What it sends to a party. */
  readonly share?: (to: Party, honest: Share) => Share;
  /** What it says in round 4, having received `reveals` and `shares` in these envelopes. */
  readonly verdict?: (
    honest: Verdict,
    reveals: ReadonlyMap<Party, Uint8Array>,
    shares: ReadonlyMap<Party, { readonly value: Share; readonly envelope: Uint8Array }>,
  ) => Verdict;
}

/** A corrupted party that deals a polynomial of its choice. Its result holds no share. */
export function* forgedDealer(parameters: DkgParameters, me: Party, forgery: Forgery): Protocol<DkgOutcome> {
  const { group, aead, threshold, members, receiveKeys } = parameters;
  const formats = dkgFormats(group, threshold);
  const randomness = seeded(Uint8Array.of(me));
  const { polynomial } = forgery;
  const coefficients = commit(group, polynomial);
  const proof = proveSchnorrBatch(group, coefficientContext(parameters, me), polynomial, coefficients, randomness);
  const honest = { coefficients, proof, chainCode: randomness.bytes(32), blinder: randomness.bytes(32) };
  const reveal = forgery.reveal?.(honest) ?? honest;

  yield* broadcast(formats.commit, { commitment: commitmentTo(parameters, me, reveal) });
  const reveals = yield* broadcast(formats.reveal, reveal);
  const dealt = new Map<Party, Share>();
  for (const { party } of members) {
    const receiveKey = receiveKeys.get(party);
    if (party === me || receiveKey === undefined) continue;
    const value = group.encodeScalar(evaluate(primeField(group.order), polynomial, BigInt(party)));
    const plaintext = forgery.plaintext?.(party, value) ?? value;
    const sealed = sealTo(
      group,
      aead,
      shareContext(dkgDealing(parameters), me, party),
      receiveKey,
      plaintext,
      randomness,
    );
    dealt.set(party, forgery.share?.(party, { sealed }) ?? { sealed });
  }
  const shares = yield* deliver(formats.shares, dealt);
  const shown = [...reveals.broadcasts.values()].map(({ value }) => value);
  const publicPackage = publicOutcome(parameters, shown, reveals.transcript) as PublicPackage;
  const confirmation: Verdict = { type: 'confirmation', value: outcomeDigest(parameters, publicPackage) };
  const envelopes = new Map([...reveals.broadcasts].map(([party, { envelope }]) => [party, envelope]));
  yield* broadcast(formats.verdict, forgery.verdict?.(confirmation, envelopes, shares.directs) ?? confirmation);
  yield* broadcast(formats.return, {});
  return { share: new Secret(new Uint8Array(group.scalarBytes)), publicPackage };
}
