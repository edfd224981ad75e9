import { equal, frost, groupOf, type Member, type NodeKey, toHex } from '@quorate/protocol';
import type { AuditLog, KeyRepository } from '@quorate/storage';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { failStop } from '../fail-stop.ts';
import { ServiceError } from '../service.ts';
import type { Tools } from '../tools.ts';
import { publicPackageOf } from './packages.ts';
import { usable } from './sign.ts';

export interface KeyPackagesPort {
  readonly config: Pick<Config, 'export'>;
  readonly clock: Clock;
  readonly key: Pick<NodeKey, 'publicKey'>;
  readonly keys: KeyRepository;
  readonly audit: AuditLog;
  readonly tools: Tools;
  fatal(error: unknown): void;
}

/**
 * This node's share for other software, recorded and marked as exported, for ever, before it leaves.
 * @throws {ServiceError} `denied` where `export` is not switched on, `invalid` for ECDSA, `key-unknown`, `not-member`, `integrity`
 */
export async function ownKeyPackages(name: string, port: KeyPackagesPort): Promise<frost.ZfPackages> {
  const { audit, clock, config, key, keys, tools } = port;
  if (config.export !== 'enabled')
    throw new ServiceError('denied', 'this node gives away no shares; see `export` in node.yaml');
  const { epoch, publicPackage: encoded, scheme } = usable(keys.byName(name), name);
  if (scheme === 'ecdsa') throw new ServiceError('invalid', 'no other software reads shares of an ecdsa key');
  const publicPackage = publicPackageOf(groupOf(scheme, tools.groups), encoded);
  const { party } = publicPackage.members.find(({ node }) => equal(node, key.publicKey)) as Member;
  const { keyId } = publicPackage;
  const fields = { key: name, keyId: toHex(keyId), epoch, party };
  await failStop(audit.append(clock.now(), 'share-exported', fields), port.fatal);
  await failStop(keys.markExported(keyId), port.fatal);
  using share = await keys.share(keyId, epoch);
  return frost.encodeZfPackages(frost.suiteOf(scheme, tools.groups), publicPackage, party, share);
}
