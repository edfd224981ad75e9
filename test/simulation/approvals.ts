import { toHex } from '@quorate/protocol';
import { requestId, type SignRequest, signRequests } from '../../packages/node/src/policy/sign-request.ts';
import { approvalOf, type CommitteeOf, type Facts } from './facts.ts';

/** Of what is signed, as many honest members as the adversary lacks had approved this very request, in one epoch. */
export function approvals(facts: Facts, order: SignRequest): void {
  const key = facts.keys.get(order.key);
  if (key === undefined) return;
  const request = toHex(requestId(order));
  const digest = toHex(signRequests.digest(order));
  const isApproved = ([place, { members, threshold }]: readonly [string, CommitteeOf]): boolean => {
    const epoch = Number(place.split('/')[1]);
    const honest = facts.approvals.get(approvalOf({ digest, epoch, request }))?.size ?? 0;
    return honest + members.filter(({ isCorrupt }) => isCorrupt).length >= threshold;
  };
  const committees = [...facts.committees].filter(([place]) => place.startsWith(key.id));
  if (!committees.some(isApproved))
    facts.fail('I1 unforgeability', `a signature for ${request} is there that too few approved`);
}
