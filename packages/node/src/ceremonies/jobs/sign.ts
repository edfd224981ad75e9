import { frost, type Party, type Protocol, type Scheme, Secret } from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import type { JobTools } from './tools.ts';

export interface SignJob {
  readonly sid: Uint8Array;
  readonly me: Party;
  readonly signers: readonly Party[];
  readonly scheme: Scheme;
  readonly publicPackage: Uint8Array;
  /** The job wipes it. */
  readonly share: Uint8Array;
  readonly message: Uint8Array;
}

export function* signJob(input: SignJob, { groups, randomness }: JobTools): Protocol<Uint8Array> {
  using secret = new Secret(input.share);
  const suite = frost.suiteOf(input.scheme, groups);
  return yield* frost.sign({
    suite,
    signers: input.signers,
    share: {
      party: input.me,
      secret,
      publicPackage: publicPackageOf(suite.group, input.publicPackage),
    },
    message: input.message,
    sid: input.sid,
    randomness,
  });
}
