import {
  fromBytesBE,
  groupOf,
  type Party,
  type PublicPackage,
  packageDigest,
  publicPackageCodec,
  Secret,
  toHex,
  verifyingShare,
  wire,
} from '@quorate/protocol';
import type { KeygenOutput } from './jobs/keygen.ts';
import type { Task, TaskOutcome, Workshop } from './task.ts';

/**
 * Makes what a ceremony dealt a PREPARED epoch: on disk, read back, checked. From here on the share is never forgotten on a
 * timeout. Wipes `output`.
 * @param of which key it is a sharing of
 */
export async function keepPrepared(
  task: Pick<Task, 'id' | 'epoch' | 'expectCurrent'>,
  of: Pick<PublicPackage, 'keyId' | 'name' | 'scheme'>,
  output: KeygenOutput,
  me: Party,
  { audit, clock, config, keys, tools }: Workshop,
): Promise<TaskOutcome> {
  const { epoch, id } = task;
  const { keyId, name, scheme } = of;
  const { publicPackage } = output;
  using secrets = new DisposableStack();
  const share = secrets.use(new Secret(output.share));
  const material = new Map([...output.material].map(([party, pair]) => [party, secrets.use(new Secret(pair))]));
  const group = groupOf(scheme, tools.groups);
  const ready = packageDigest(config.networkId, publicPackage);
  await keys.prepare(
    { keyId, epoch, name, scheme, publicPackage, share, material, ready, createdAt: clock.now() },
    (kept, encoded) => {
      const expected = verifyingShare(wire.decode(publicPackageCodec(group), encoded), me);
      if (!group.equals(group.multiplyBase(kept.use(fromBytesBE)), expected)) {
        throw new Error('the share on disk does not belong to the public package');
      }
    },
    () => task.expectCurrent?.(),
  );
  await audit.append(clock.now(), 'key-prepared', { key: name, epoch, request: toHex(id) });
  return { type: 'prepared' };
}
