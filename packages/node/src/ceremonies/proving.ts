import { frost, type Member, renewal, type Scheme, wipe } from '@quorate/protocol';
import type { KeygenOutput } from './jobs/keygen.ts';
import { publicPackageOf } from './packages.ts';
import type { Proof, TaskSession, Workshop } from './task.ts';

/** All sign once with their new shares, before anybody says READY: then none of them is dead, or another's. */
export function proofOfLife(
  output: KeygenOutput,
  {
    members,
    network,
    scheme,
  }: { readonly members: readonly Member[]; readonly network: Uint8Array; readonly scheme: Scheme },
  { sid: first, me }: TaskSession,
  workshop: Workshop,
): Proof {
  const { share, material, publicPackage: encoded } = output;
  const suite = frost.suiteOf(scheme, workshop.tools.groups);
  const publicPackage = publicPackageOf(suite.group, encoded);
  const sid = renewal.lifeSession(first, publicPackage);
  const input = { network, sid, me, scheme, publicPackage: encoded, share: share.slice() };
  return {
    sid,
    parties: members.map(({ party }) => party),
    court: {
      rounds: renewal.lifeRounds(suite),
      rules: renewal.lifeRules(suite, network, publicPackage),
    },
    host: workshop.host('prove-life', input),
    join: () => output,
    discard: () => wipe(share, ...material.values()),
  };
}
