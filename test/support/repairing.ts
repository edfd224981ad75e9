import {
  broadcast,
  exchange,
  fromBytesBE,
  type Group,
  kinds,
  type Party,
  type Protocol,
  renewal,
  Secret,
  seeded,
} from '@quorate/protocol';
import type { Scenario } from '@quorate/protocol/simulation';
import { type Dealing, sealShare, shareContext } from '../../packages/protocol/src/dealing/shares.ts';
import { openSealed } from '../../packages/protocol/src/proofs/encryption.ts';
import type { Messages } from '../../packages/protocol/src/protocol.ts';
import { randomScalar } from '../../packages/protocol/src/random.ts';
import { nothing, type Portion } from '../../packages/protocol/src/renewal/messages.ts';
import {
  type Check,
  type Parts,
  repairFormats,
  type SumCheck,
  satisfied,
} from '../../packages/protocol/src/renewal/repair-messages.ts';
import { partsDealing, sumsDealing, weightOf } from '../../packages/protocol/src/renewal/repair-parameters.ts';
import { commit } from '../../packages/protocol/src/sharing/feldman.ts';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import { receiveSecretOf } from './key-generation.ts';
import { type HeldKey, nodeKeyOf, type Signatures, sessionOf } from './renewal.ts';

export interface RepairOptions {
  readonly seed: number;
  readonly group: Group;
  /** Held by the nodes 1 to n, as parties 1 to n. */
  readonly key: HeldKey;
  readonly helpers: readonly Party[];
  readonly lost: Party;
  readonly signatures?: Signatures;
  readonly differs?: (party: Party) => Partial<renewal.RepairInput>;
}

/** How a party departs from the protocol; in all else it is consistent, and goes on to the end. */
export interface RepairForgery {
  /** What it takes for its share. */
  readonly secret?: (honest: bigint) => bigint;
  readonly parts?: (honest: Parts) => Parts;
  /** What it seals to another helper. */
  readonly plaintext?: (to: Party, honest: Uint8Array) => Uint8Array;
  readonly part?: (to: Party, honest: Portion) => Portion;
  readonly check?: (honest: Check, dealt: Messages<Parts, Portion>) => Check;
  /** What it seals to the lost party. */
  readonly sum?: (honest: Uint8Array) => Uint8Array;
  readonly total?: (to: Party, honest: Portion) => Portion;
  readonly verdict?: (honest: SumCheck, sums: Messages<Check, Portion>) => SumCheck;
}

export function repairParametersOf(options: RepairOptions): renewal.RepairParameters {
  const { key, helpers, lost } = options;
  const session = sessionOf(options, renewal.repairParties({ helpers, lost }));
  return { ...session, publicPackage: key.publicPackage, helpers, lost };
}

export function repairInputOf(options: RepairOptions, me: Party): Omit<renewal.RepairInput, 'randomness'> {
  const { key, helpers } = options;
  const secret = helpers.includes(me) ? key.shares.get(me) : undefined;
  const receiveSecret = receiveSecretOf(options, me);
  return { ...repairParametersOf(options), me, secret, receiveSecret, ...options.differs?.(me) };
}

/** A simulated repair. */
export function repairing(options: RepairOptions): Scenario<Secret | undefined> {
  const { rounds, rules, parties } = renewal.repairCourt(repairParametersOf(options));
  return {
    seed: options.seed,
    parties,
    kind: kinds.repair,
    signatures: options.signatures,
    nodes: new Map(parties.map((party) => [party, nodeKeyOf(party, options.signatures)])),
    rounds,
    rules,
    run: (me, randomness) => renewal.repair({ ...repairInputOf(options, me), randomness }),
  };
}

/** A corrupted helper, or lost party. */
export function* forgedRepairer(
  options: RepairOptions,
  me: Party,
  forgery: RepairForgery,
): Protocol<Secret | undefined> {
  const parameters = repairParametersOf(options);
  const { group, helpers, lost } = parameters;
  const formats = repairFormats(group, helpers.length);
  const field = primeField(group.order);
  const randomness = seeded(Uint8Array.of(me));
  const helping = helpers.includes(me);
  const others = helpers.filter((party) => party !== me);
  const everybody = renewal.repairParties(parameters).filter((party) => party !== me);

  const share = options.key.shares.get(me)?.use(fromBytesBE) ?? 0n;
  const values = others.map(() => randomScalar(randomness, group.order));
  const term = helping ? field.multiply(weightOf(parameters, me), forgery.secret?.(share) ?? share) : 0n;
  const own = values.reduce((left, value) => field.subtract(left, value), term);
  const honestParts: Parts = helping ? { type: 'parts', value: commit(group, values) } : nothing;
  const sealed = <R>(dealing: Dealing<R>, to: Party, plaintext: Uint8Array): Portion => {
    using secret = new Secret(plaintext);
    return { type: 'share', value: sealShare(dealing, me, to, secret, randomness) };
  };
  const parts = everybody.map((to): [Party, Portion] => {
    const at = others.indexOf(to);
    const value = at < 0 || !helping ? undefined : group.encodeScalar(values[at] as bigint);
    const honest = value && sealed(partsDealing(parameters), to, forgery.plaintext?.(to, value) ?? value);
    return [to, forgery.part?.(to, honest ?? nothing) ?? honest ?? nothing];
  });
  const dealt = yield* exchange(formats.parts, forgery.parts?.(honestParts) ?? honestParts, new Map(parts));

  const received = helping ? sumOf(options, me, dealt, own) : 0n;
  const plaintext = group.encodeScalar(received);
  const sums = everybody.map((to): [Party, Portion] => {
    const honest =
      helping && to === lost ? sealed(sumsDealing(parameters), to, forgery.sum?.(plaintext) ?? plaintext) : nothing;
    return [to, forgery.total?.(to, honest) ?? honest];
  });
  const summed = yield* exchange(formats.sums, forgery.check?.(satisfied, dealt) ?? satisfied, new Map(sums));
  yield* broadcast(formats.verdict, forgery.verdict?.(satisfied, summed) ?? satisfied);
  return undefined;
}

/** Our part and those of the others, opened without looking. */
function sumOf(options: RepairOptions, me: Party, dealt: Messages<Parts, Portion>, own: bigint): bigint {
  const { group, aead } = repairParametersOf(options);
  const dealing = partsDealing(repairParametersOf(options));
  const secret = receiveSecretOf(options, me).use(fromBytesBE);
  let sum = own;
  for (const [from, { value }] of dealt.directs) {
    if (value.type !== 'share') continue;
    const plaintext = openSealed(group, aead, shareContext(dealing, from, me), secret, value.value);
    if (plaintext !== undefined) sum += group.decodeScalar(plaintext);
  }
  return sum % group.order;
}
