import { equal, groupOf, keyIdOf, kinds, type Member, type PublicPackage } from '@quorate/protocol';
import { type Preparation, type PreparationKind, preparations } from '../policy/preparation.ts';
import { ServiceError } from '../service.ts';
import { publicPackageOf } from './packages.ts';
import { decodeProposal } from './proposals.ts';
import { checkExpiry, usable } from './sign.ts';
import type { Workshop } from './task.ts';

/** A proposal that this node checked by its own rules. */
export interface CheckedPreparation {
  readonly preparation: Preparation;
  /** Of the epoch in use. */
  readonly publicPackage: PublicPackage;
  /** Who takes part, ascending by party: this node and the proposer among them. */
  readonly members: readonly Member[];
}

/**
 * What parties of a key may prepare among themselves needs no operator, because nothing is signed by it: it must be proposed by
 * one of those who take part, for the epoch in use.
 * @throws {ServiceError} `invalid`, `denied`, `key-unknown`, `expired`
 */
export function checkPreparation(kind: PreparationKind, body: Uint8Array, workshop: Workshop): CheckedPreparation {
  const { clock, config, key, keys, tools } = workshop;
  const invalid = (reason: string): ServiceError => new ServiceError('invalid', reason);
  const denied = (reason: string): ServiceError => new ServiceError('denied', reason);
  const preparation = decodeProposal(preparations, body);
  const { epoch, expires, network, parties, proposer } = preparation;
  if (!equal(network, config.networkId)) throw denied('the proposal is for another network');
  if (preparation.kind !== kinds[kind]) throw invalid('the proposal is for something else');
  if (!preparations.verify(preparation, tools.signatures)) {
    throw denied('the proposal is not signed by the member it names');
  }
  checkExpiry(expires, clock.now());
  const info = usable(keys.get(keyIdOf(config.networkId, preparation.key)), preparation.key);
  if (info.scheme !== 'ecdsa') throw invalid(`keys of scheme ${info.scheme} need no preparation`);
  if (info.epoch !== epoch) throw denied(`the key ${preparation.key} is in another epoch here`);
  const publicPackage = publicPackageOf(groupOf('ecdsa', tools.groups), info.publicPackage);
  if (parties.some((party, i) => party <= (parties[i - 1] ?? 0)))
    throw invalid('parties are not distinct and ascending');
  const members = publicPackage.members.filter(({ party }) => parties.includes(party));
  if (members.length !== parties.length) throw invalid('a party has no share of this key');
  for (const node of [proposer, key.publicKey]) {
    if (!members.some((member) => equal(member.node, node))) {
      throw denied('the proposer, or this node, is not among those who take part');
    }
  }
  return { preparation, publicPackage, members };
}
