import { equal, fromBytesBE, frost, keyIdOf, type Secret, schemes, type Tweak, toHex } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { KeygenTerms } from '../policy/keygen-proposal.ts';
import { type ImportOrder, type KeygenOrder, ServiceError } from '../service.ts';
import type { Tools } from '../tools.ts';
import { majority } from './keygen.ts';
import type { RosterNode, Workshop } from './task.ts';

/** What is proposed of a new key, where the order does not say. @throws {ServiceError} `invalid` */
export function termsOf(order: KeygenOrder, workshop: Workshop): Omit<KeygenTerms, 'proposer'> {
  const { clock, config, keys, randomness } = workshop;
  if (!schemes.includes(order.scheme)) throw new ServiceError('invalid', `the scheme is one of ${schemes.join(', ')}`);
  const chosen = committeeOf(order.members, workshop);
  const members = chosen
    .map(({ node }) => node)
    .toSorted((a, b) => Buffer.compare(a, b))
    .map((node, i) => ({ party: i + 1, node }));
  const tweak: Tweak = { type: order.scheme === 'taproot' ? 'key-path-only' : 'none', value: new Uint8Array(0) };
  const existing = keys.get(keyIdOf(config.networkId, order.name));
  return {
    network: config.networkId,
    name: order.name,
    scheme: order.scheme,
    purpose: order.purpose ?? 'general',
    threshold: order.threshold ?? config.threshold ?? Math.max(2, majority(members.length)),
    lowThreshold: order.allowLowThreshold === true ? 1 : 0,
    members,
    epoch: (existing?.epochs.at(-1)?.epoch ?? 0) + 1,
    tweak,
    expires: clock.now() + limits.longestRequest,
    nonce: randomness.bytes(32),
  };
}

/** The members of a new key: those named, else as many as the configuration says, else all. */
function committeeOf(
  names: readonly string[] | undefined,
  { config: { participants }, key, members }: Workshop,
): readonly RosterNode[] {
  const all = members();
  if (names !== undefined) {
    if (new Set(names).size !== names.length) throw new ServiceError('invalid', 'a member is named twice');
    return names.map((name) => {
      const member = all.find((one) => one.name === name);
      if (member === undefined) throw new ServiceError('invalid', `the roster has no member ${name}`);
      return member;
    });
  }
  if (participants === undefined || participants === all.length) return all;
  if (participants > all.length) {
    throw new ServiceError(
      'invalid',
      `${participants} participants are configured, the roster has ${all.length} members`,
    );
  }
  const own = all.filter(({ node }) => equal(node, key.publicKey));
  return [...own, ...all.filter((member) => !own.includes(member))].slice(0, participants);
}

/** The point of a key that is imported, encoded: the one that the operator means. @throws {ServiceError} `invalid` */
export function importedKey({ publicKey, scheme }: ImportOrder, secret: Secret, { groups }: Tools): Uint8Array {
  const suite = frost.suiteOf(scheme, groups);
  const { group } = suite;
  const scalar = secret.use(fromBytesBE);
  if (scalar <= 0n || scalar >= group.order)
    throw new ServiceError('invalid', 'the file holds no private key of this scheme');
  const groupKey = group.multiplyBase(scalar);
  const type = scheme === 'taproot' ? 'key-path-only' : 'none';
  const found = toHex(frost.outputKey(suite, { groupKey, tweak: { type, value: new Uint8Array(0) } }));
  if (found !== publicKey)
    throw new ServiceError('invalid', `the public key of what the file holds is another: ${found}`);
  return group.encodePoint(groupKey);
}
