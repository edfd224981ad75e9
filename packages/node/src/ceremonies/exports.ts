import { equal, groupOf, type Member, packageDigest, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { exportProposals } from '../policy/export-proposal.ts';
import { chooseHelpers } from './helpers.ts';
import { publicPackageOf } from './packages.ts';
import { usable } from './sign.ts';
import type { Workshop } from './task.ts';

export interface ExportsPort {
  peerOf(node: Uint8Array): PeerId;
  live(): ReadonlySet<PeerId>;
}

/**
 * The encoded proposal to put a private key together here.
 * @throws {ServiceError} `denied` where it is switched off, `no-quorum`, `key-unknown`, `invalid`, `integrity`
 */
export function exportProposal(
  name: string,
  names: readonly string[] | undefined,
  workshop: Workshop,
  port: ExportsPort,
): Uint8Array {
  const { clock, config, key, keys, randomness, tools } = workshop;
  const current = usable(keys.byName(name), name);
  const publicPackage = publicPackageOf(groupOf(current.scheme, tools.groups), current.publicPackage);
  const own = publicPackage.members.find(({ node }) => equal(node, key.publicKey)) as Member;
  const nonce = randomness.bytes(32);
  const others = chooseHelpers(publicPackage, { count: publicPackage.threshold - 1, names, nonce, ...port }, workshop);
  const proposal = exportProposals.sign(
    {
      network: config.networkId,
      key: name,
      epoch: current.epoch,
      digest: packageDigest(config.networkId, current.publicPackage),
      signers: [own.party, ...others].toSorted((a, b) => a - b),
      expires: clock.now() + limits.longestRequest,
      nonce,
    },
    key,
  );
  return wire.encode(exportProposals.codec, proposal);
}
