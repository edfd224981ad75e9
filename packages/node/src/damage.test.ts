import { keyIdOf, toHex } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { Committee } from '../test/committee.ts';

test('a node whose record of one key is lost serves the others, and says what is the matter', async () => {
  const committee = await Committee.open(3, 'one key damaged', {});
  await committee.key();
  await committee.key({ name: 'other' });
  const bob = committee.at('bob');
  await committee.stop(bob);
  const id = toHex(keyIdOf(bob.config.networkId, 'treasury'));
  await bob.store.batch([{ type: 'delete', key: `epochs/${id}/0000000001` }]);
  await committee.start(bob);

  expect((await bob.node.keys()).map(({ name }) => name)).toEqual(['other']);
  const { warnings } = await bob.node.status();
  expect(warnings).toContainEqual(expect.stringMatching(/treasury is quarantined.*quorate doctor/));
  expect(await committee.audit('bob')).toContain('key-quarantined: incomplete');
  await expect(bob.node.key('treasury')).rejects.toMatchObject({ code: 'integrity' });
  await expect(bob.node.sign(committee.order('pay'))).rejects.toMatchObject({ code: 'integrity' });
  // The others have enough members without it, and it is a member like any other of the other key.
  const signed = await committee.sign('alice', committee.order('pay'));
  expect(await committee.verifies('pay', signed)).toBe(true);
  const elsewhere = await committee.sign('bob', committee.order('buy', { key: 'other' }));
  expect(await committee.verifies('buy', elsewhere, 'other')).toBe(true);
});

test('a node whose share was damaged has it back from the second copy, and keeps a record of that', async () => {
  const committee = await Committee.open(3, 'one share damaged', {});
  await committee.key();
  const bob = committee.at('bob');
  await committee.stop(bob);
  const place = `shares/${toHex(keyIdOf(bob.config.networkId, 'treasury'))}/0000000001`;
  await bob.store.batch([{ type: 'delete', key: place }]);
  await committee.start(bob);
  expect(await committee.audit('bob')).toContain('share-restored: ');
  const signed = await committee.sign('bob', committee.order('pay'));
  expect(await committee.verifies('pay', signed)).toBe(true);
});
