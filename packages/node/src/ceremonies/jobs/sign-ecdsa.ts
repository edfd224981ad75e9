import { dkls23, groupOf, type Party, type Protocol, Secret, wipe } from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import { encodeSignature } from '../signing.ts';
import type { PairMaterials } from './pairs.ts';
import type { JobTools } from './tools.ts';

/** What a party of an ECDSA key computes with. */
export interface EcdsaJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly signers: readonly Party[];
  readonly publicPackage: Uint8Array;
  /** The job wipes it, and what was set up with each other signer. */
  readonly share: Uint8Array;
  readonly material: PairMaterials;
  readonly banned: readonly Party[];
}

export interface SignEcdsaJob extends EcdsaJob {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** ε of BIP-32. */
  readonly tweak: bigint;
}

export interface SignPresignedJob extends Omit<SignEcdsaJob, 'material'> {
  /** Moves here: the job wipes it. */
  readonly presignature: dkls23.MovedPresignature;
}

export function* signEcdsaJob(input: SignEcdsaJob, tools: JobTools): Protocol<Uint8Array> {
  using secrets = new DisposableStack();
  const { digest, tweak } = input;
  return encodeSignature(yield* dkls23.signEcdsa({ ...preparationOf(input, tools, secrets), digest, tweak }));
}

export function* presignJob(input: EcdsaJob, tools: JobTools): Protocol<dkls23.MovedPresignature> {
  using secrets = new DisposableStack();
  const prepared = preparationOf(input, tools, secrets);
  return (yield* dkls23.presign(prepared)).move(prepared.group);
}

export function* signPresignedJob(input: SignPresignedJob, tools: JobTools): Protocol<Uint8Array> {
  using secrets = new DisposableStack();
  const signer = signerOf(input, tools, secrets);
  const presignature = dkls23.Presignature.moved(signer.group, input.presignature);
  secrets.defer(() => presignature.wipe());
  const { digest, tweak } = input;
  return encodeSignature(yield* dkls23.signWithPresignature({ ...signer, presignature, digest, tweak }));
}

/** @param secrets what wipes everything when the job ends */
function preparationOf(input: EcdsaJob, tools: JobTools, secrets: DisposableStack): dkls23.PreparationInput {
  for (const encoded of input.material.values()) secrets.adopt(encoded, wipe);
  const signer = signerOf(input, tools, secrets);
  const pairs = new Map(
    [...input.material].map(([peer, encoded]) => {
      const pair = dkls23.decodePairMaterial(dkls23.suiteA, encoded);
      return [peer, secrets.adopt(pair, dkls23.wipePairMaterial)] as const;
    }),
  );
  return { ...signer, multiplication: tools.multiplication, pairs };
}

function signerOf(
  { banned, me, publicPackage, share, sid, signers }: Omit<EcdsaJob, 'material'>,
  { groups, randomness }: JobTools,
  secrets: DisposableStack,
): dkls23.SignerInput {
  const group = groupOf('ecdsa', groups);
  const secret = secrets.use(new Secret(share));
  return {
    group,
    share: { party: me, secret, publicPackage: publicPackageOf(group, publicPackage) },
    signers,
    banned: new Set(banned),
    sid,
    randomness,
  };
}
