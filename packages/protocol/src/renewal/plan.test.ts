import { describe, expect, it } from 'vitest';
import {
  heldKey,
  membersOf,
  type RenewalOptions,
  renewalInputOf,
  renewalParametersOf,
  sessionOf,
} from '../../../../test/support/renewal.ts';
import { toy } from '../groups/toy.ts';
import type { Member } from '../keys.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { type RenewalInput, RenewalInputError } from './parameters.ts';
import { importKey, type Reshare, refresh, reshare, seatsOf } from './plan.ts';
import { renew } from './protocol.ts';

const key = heldKey({ group: toy, threshold: 3, nodes: [1, 2, 3, 4, 5] });
const base = key.publicPackage;
const session = sessionOf({ seed: 1, group: toy }, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const plan: Reshare = {
  base,
  dealers: [1, 3, 4],
  epoch: 2,
  members: membersOf([4, 6, 3, 7]),
  threshold: 2,
  policyHash: new Uint8Array(32).fill(5),
};

function expectRefusal(attempt: () => unknown, code: string): void {
  expect(attempt).toThrow(RenewalInputError);
  expect(attempt).toThrow(expect.objectContaining({ code }));
}

describe('the seats', () => {
  it('are the new members under their new numbers, then the dealers that leave', () => {
    const seats = seatsOf(plan).map(({ party, deals }) => [party, deals]);
    expect(seats).toEqual([
      [1, 4],
      [2, undefined],
      [3, 3],
      [4, undefined],
      [5, 1],
    ]);
    expect(reshare(session, plan).seats.map(({ node }) => node)).toEqual(
      membersOf([4, 6, 3, 7, 1]).map(({ node }) => node),
    );
  });

  it('R16, do not take a new node for the old one that had its number', () => {
    const members = membersOf([6, 7, 8]);
    expect(seatsOf({ ...plan, members }).map(({ deals }) => deals)).toEqual([undefined, undefined, undefined, 1, 3, 4]);
  });
});

describe('R03, a refresh', () => {
  it('has the threshold, committee and policy of its base, whatever it is asked', () => {
    const asked = { base, dealers: [1, 2, 3], epoch: 2, threshold: 2, members: membersOf([1, 2]) };
    const parameters = refresh(session, asked);
    expect(parameters.threshold).toBe(3);
    expect(parameters.members).toEqual(base.members);
    expect(parameters.statement.policyHash).toEqual(base.policyHash);
  });
});

describe('a reshare', () => {
  it('takes its policy from the plan, and all that the key is from its base', () => {
    const { statement } = reshare(session, plan);
    const { name, keyId, purpose, chainCode, groupKey, tweak, scheme } = base;
    expect(statement).toEqual({
      name,
      keyId,
      purpose,
      chainCode,
      groupKey,
      tweak,
      scheme,
      policyHash: plan.policyHash,
      epoch: 2,
      baseEpoch: 1,
    });
  });

  const [first, second] = plan.members as [Member, Member];
  const many = Array.from({ length: 101 }, (_, i) => ({ party: i + 1, node: new Uint8Array(32).fill(i) }));
  const crowd = Array.from({ length: 98 }, (_, i) => ({ party: i + 1, node: new Uint8Array(32).fill(i) }));

  it.each<[string, Partial<Reshare>, string]>([
    ['R06, t − 1 dealers', { dealers: [1, 2] }, 'quorum'],
    ['no dealers', { dealers: [] }, 'quorum'],
    ['R06, a dealer that is no party of the base', { dealers: [1, 2, 6] }, 'quorum'],
    ['a dealer twice', { dealers: [1, 2, 2] }, 'quorum'],
    ['dealers out of order', { dealers: [3, 2, 1] }, 'quorum'],
    ['a dealer at zero', { dealers: [0, 1, 2] }, 'quorum'],
    ['an epoch again', { epoch: 1 }, 'epoch'],
    ['an epoch before', { epoch: 0 }, 'epoch'],
    ['half an epoch', { epoch: 1.5 }, 'epoch'],
    ['1-of-4', { threshold: 1 }, 'threshold'],
    ['5-of-4', { threshold: 5 }, 'threshold'],
    ['half a party', { threshold: 2.5 }, 'threshold'],
    ['101 members', { members: many }, 'threshold'],
    ['members out of order', { members: [...plan.members].reverse() }, 'members'],
    ['a node as two members', { members: [first, { ...second, node: first.node }] }, 'members'],
    ['a short node key', { members: [{ party: 1, node: new Uint8Array(31) }, second] }, 'members'],
    ['more participants than a session has', { members: crowd }, 'seats'],
    ['another key in the base', { base: { ...base, groupKey: toy.generator } }, 'base'],
    [
      'verifying shares that do not fit',
      { base: { ...base, verifyingShares: [...base.verifyingShares].reverse() } },
      'base',
    ],
  ])('is refused: %s', (_, change, code) => {
    expectRefusal(() => reshare(session, { ...plan, ...change }), code);
  });
});

describe('a renewal that cannot begin', () => {
  const options: RenewalOptions = {
    seed: 1,
    group: toy,
    key,
    dealers: [1, 3, 4],
    to: { nodes: [4, 6, 3, 7], threshold: 2 },
  };
  const inputs = new Map([1, 2].map((seat) => [seat, renewalInputOf(options, seat)]));
  const { receiveKeys } = renewalParametersOf(options);

  it.each<[string, number, Partial<RenewalInput>, string]>([
    ['without the share that it deals from', 1, { secret: undefined }, 'share'],
    ['with a share, at a seat that deals nothing', 2, { secret: key.shares.get(1) }, 'share'],
    ["with another's share", 1, { secret: key.shares.get(1) }, 'share'],
    ['with a share of zero', 1, { secret: new Secret(new Uint8Array(32)) }, 'share'],
    ['with a share above the order', 1, { secret: new Secret(new Uint8Array(32).fill(255)) }, 'share'],
    ['with a missing receive key', 1, { receiveKeys: new Map([...receiveKeys].slice(0, 3)) }, 'receive-keys'],
    ["with another's receive secret", 1, { receiveSecret: renewalInputOf(options, 2).receiveSecret }, 'receive-keys'],
    ['a stranger', 2, { me: 9 }, 'receive-keys'],
  ])('%s', (_, seat, change, code) => {
    const input = inputs.get(seat) as Omit<RenewalInput, 'randomness'>;
    const randomness = seeded(new Uint8Array(32));
    expectRefusal(() => renew({ ...input, randomness, ...change }).next(undefined as never), code);
  });
});

describe('an import', () => {
  const { groupKey } = base;
  const statement = { ...base, groupKey, baseEpoch: 0, epoch: 1 };
  const members = membersOf([1, 2, 3]);
  const good = { statement, members, threshold: 2, dealer: (members[1] as Member).node };

  it('holds its dealer to the public key, at its own seat or behind all members', () => {
    const dealer = { verifyingShare: groupKey, weight: 1n, constant: groupKey };
    expect([...importKey(session, good).dealers]).toEqual([[2, dealer]]);
    const outside = importKey(session, { ...good, dealer: (membersOf([9])[0] as Member).node });
    expect([...outside.dealers]).toEqual([[4, dealer]]);
    expect(outside.seats.length).toBe(4);
  });

  it.each([
    ['a base epoch', { statement: { ...statement, baseEpoch: 1 } }, 'base'],
    ['no epoch', { statement: { ...statement, epoch: 0 } }, 'base'],
    ['a name that is a path', { statement: { ...statement, name: '../x' } }, 'base'],
    ['a purpose with spaces', { statement: { ...statement, purpose: 'a b' } }, 'base'],
    ['1-of-3', { threshold: 1 }, 'threshold'],
    ['a node twice', { members: [...membersOf([1, 2]), { party: 3, node: (members[1] as Member).node }] }, 'members'],
  ])('is refused: %s', (_, change, code) => {
    expectRefusal(() => importKey(session, { ...good, ...change }), code);
  });
});
