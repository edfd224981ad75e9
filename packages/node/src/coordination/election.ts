import { compare, hash, u64 } from '@quorate/protocol';
import { tags } from '../tags.ts';

const roles = { coordinator: 0, signer: 1, presigner: 2 } as const;
type Role = keyof typeof roles;

/**
 * Rendezvous hashing: the order in which members are asked to coordinate a request, and to sign it, or to presign for a key.
 * It follows from the id of the request or key and the epoch alone, so that nobody can win by claiming anything, and every request gives another order.
 *
 * @param role what the order is for; each role has its own
 * @param nodes node keys, 32 bytes each
 */
export function rendezvous(
  role: Role,
  request: Uint8Array,
  epoch: number,
  nodes: readonly Uint8Array[],
): readonly Uint8Array[] {
  const label = Uint8Array.of(roles[role]);
  return nodes
    .map((node) => ({ node, weight: hash(tags.election, label, request, u64(epoch), node) }))
    .sort((a, b) => compare(a.weight, b.weight) || compare(a.node, b.node))
    .map(({ node }) => node);
}
