import {
  equal,
  faultOf,
  type Group,
  hash,
  hedged,
  keyIdOf,
  kinds,
  type Party,
  type Point,
  type Registration,
  randomScalar,
  register,
  Secret,
  type Start,
  secretScalar,
} from '@quorate/protocol';
import type { Order } from '../coordination/coordinator.ts';
import { rendezvous } from '../coordination/election.ts';
import { tags } from '../tags.ts';
import type { Task, Workshop } from './task.ts';

/** A registration of ours that no Start has used yet, and the scalar of its receive key, if the protocol needs one. */
export interface Registered {
  readonly value: Registration;
  readonly receiveSecret: Secret | undefined;
}

/**
 * Signs a fresh registration for a request that this node approved. The first one offers presignatures; if what comes of it
 * fails, none is tried again.
 * @param avoid who failed in earlier attempts
 */
export function registerFor(task: Task, attempt: number, avoid: readonly Party[], workshop: Workshop): Registered {
  const { bootEpoch, config, key, presignatures, randomness } = workshop;
  const nonce = randomness.bytes(32);
  const receive = receiveKey(task, nonce, workshop);
  const unsigned = {
    network: config.networkId,
    request: task.id,
    digest: task.digest,
    epoch: task.epoch,
    attempt,
    nonce,
    bootEpoch,
    receiveKey: receive?.key ?? new Uint8Array(0),
    avoid,
    apart: task.apart,
    presigned:
      task.kind === 'sign' && attempt === 1
        ? presignatures.reserve(task.id, keyIdOf(config.networkId, task.keyName), task.epoch)
        : { signers: [], ids: [] },
  };
  return { value: register(unsigned, key), receiveSecret: receive?.secret };
}

function receiveKey(
  task: Task,
  nonce: Uint8Array,
  { bootEpoch, key, randomness }: Workshop,
): { readonly key: Uint8Array; readonly secret: Secret } | undefined {
  const group = task.receives;
  if (group === undefined) return undefined;
  // A signature that is never sent: only the holder of the node key can predict it.
  using hedge = new Secret(key.sign(hash(tags.receiveKey, task.id, nonce)));
  const scalar = randomScalar(hedged(randomness, hedge, task.id, nonce, bootEpoch), group.order);
  return { key: group.encodePoint(group.multiplyBase(scalar)), secret: secretScalar(scalar, group.scalarBytes) };
}

/** The receive keys of all participants, who registered with them. `faultOf` has seen that they are points. */
export function receiveKeysOf({ participants }: Start, group: Group): ReadonlyMap<Party, Point> {
  return new Map(participants.map(({ party, registration }) => [party, group.decodePoint(registration.receiveKey)]));
}

/** Whether a registration, its signature aside, is the member's for this very request. */
export function isFor(registration: Registration, task: Task, party: Party | undefined, network: Uint8Array): boolean {
  const member = task.members.find((one) => one.party === party);
  return (
    member !== undefined &&
    equal(member.node, registration.node) &&
    equal(registration.digest, task.digest) &&
    registration.epoch === task.epoch &&
    equal(registration.network, network)
  );
}

/** What a coordinator needs of a request. */
export function orderOf({ digest, epoch, id, kind, members, need }: Task, network: Uint8Array): Order {
  const nodes = members.map(({ node }) => node);
  const turns = rendezvous('signer', id, epoch, nodes).flatMap(
    (node) => members.find((one) => equal(one.node, node))?.party ?? [],
  );
  return { network, kind: kinds[kind], request: id, digest, epoch, need, members, turns };
}

/** Why this member does not join a Start, or undefined if it does: a Start counts by what it lists, whoever sends it. */
export function refusalOf(
  start: Start,
  ours: Registration,
  task: Task,
  { presignatures, standings, tools }: Workshop,
): string | undefined {
  const own = start.participants.find(({ registration: { node } }) => equal(node, ours.node));
  if (own === undefined || !equal(own.registration.nonce, ours.nonce))
    return 'it does not list our latest registration';
  if (start.kind !== kinds[task.kind] || !equal(start.digest, task.digest) || start.epoch !== task.epoch) {
    return 'it is for something else';
  }
  if (start.participants.length < task.need) return 'too few take part';
  if (start.participants.some(({ party }) => task.apart.includes(party))) return 'it seats us with a banned member';
  const members = new Map(task.members.map(({ party, node }) => [party, node]));
  const fault = faultOf(start, members, tools.signatures, task.receives);
  if (fault !== undefined) return fault;
  if (start.participants.some(({ registration: { node, bootEpoch } }) => standings.doubts(node, bootEpoch))) {
    return 'it seats us with a node that was rolled back, or runs twice';
  }
  if (start.presignature.length === 0) return undefined;
  const parties = start.participants.map(({ party }) => party);
  // It may have gone since we offered it.
  return presignatures.holds(task.id, start.presignature, parties) ? undefined : 'it names a presignature that is gone';
}
