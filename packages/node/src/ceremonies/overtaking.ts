import { equal, type PublicPackage } from '@quorate/protocol';
import { ServiceError } from '../service.ts';
import { headerOf } from './packages.ts';
import { isUnchanged } from './reshare-plan.ts';
import { usable } from './sign.ts';
import type { Workshop } from './task.ts';

/** A renewal, and what was there when this node admitted it. */
export interface Attempt {
  /** The package that is dealt from. */
  readonly base: PublicPackage;
  /** Its own number. */
  readonly epoch: number;
  /** The highest number of the key that was known. */
  readonly highest: number;
}

/**
 * Whether a renewal may still be prepared: what it deals from is in use, its number is above all that are known, and this node
 * prepared, or approved, no reshare since it was admitted. The highest number that is certified counts, and READY cannot be taken back: a
 * member that a reshare leaves out could let an attempt with a higher number, which began before, lie until the reshare is certified, and undo it.
 * @throws {ServiceError} `expired`, and as {@link usable}
 */
export function checkCurrent({ base, epoch, highest }: Attempt, workshop: Workshop): void {
  const key = workshop.keys.get(base.keyId);
  const isHolder = base.members.some(({ node }) => equal(node, workshop.key.publicKey));
  const moved = new ServiceError('expired', `the key ${base.name} has moved on to another epoch`);
  if (isHolder ? usable(key, base.name).epoch !== base.epoch : key?.current !== undefined) throw moved;
  const since = key?.epochs.filter((one) => one.epoch > highest) ?? [];
  if (since.some((one) => one.epoch >= epoch)) throw moved;
  if (since.some(({ publicPackage }) => !isUnchanged(base, headerOf(publicPackage))))
    throw new ServiceError('expired', `the key ${base.name} is about to go to another committee`);
}
