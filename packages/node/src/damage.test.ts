import { keyIdOf, toHex } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { Committee } from '../test/committee.ts';
import { toyTools } from '../test/toy-tools.ts';

test('a node whose record of one key is lost serves the others, and says what is the matter', async () => {
  const committee = await Committee.open(3, 'one key damaged', {});
  await committee.key();
  await committee.key({ name: 'other' });
  const bob = committee.at('bob');
  await committee.stop(bob);
  const id = toHex(keyIdOf(bob.config.networkId, 'treasury'));
  await bob.store.batch([{ type: 'delete', key: `epochs/${id}/0000000001` }]);
  await committee.start(bob);

  const keys = (await bob.node.keys()).toSorted((a, b) => a.name.localeCompare(b.name));
  const reason = expect.stringMatching(/quorate doctor/);
  expect(keys).toEqual([
    expect.objectContaining({ name: 'other', state: 'active' }),
    { name: 'treasury', keyId: id, state: 'quarantined', reason },
  ]);
  expect((await bob.node.health()).keys).toContainEqual(
    expect.objectContaining({
      name: 'treasury',
      signable: false,
      problem: expect.stringMatching(/keys repair treasury/),
    }),
  );
  await expect(bob.node.refresh('treasury')).rejects.toMatchObject({ code: 'integrity' });
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

test.for(['requests', 'results'])(
  'a node whose record of one request is damaged (%s) refuses that one for ever, and goes on with all others',
  async (what) => {
    const committee = await Committee.open(3, `one of ${what} damaged`, {});
    await committee.key();
    const order = committee.order('pay');
    const first = await committee.sign('bob', order);
    await committee.run(100);
    const bob = committee.at('bob');
    await committee.stop(bob);
    const place = `${what}/${first.id}`;
    const sealed = (await bob.store.get(place)) as Uint8Array;
    const at = sealed.length - 40;
    await bob.store.batch([{ type: 'put', key: place, value: sealed.with(at, (sealed[at] as number) ^ 1) }]);
    for (let life = 0; life < 2; life++) {
      await committee.start(bob);
      await committee.run(20);
      await expect(bob.node.sign(order)).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringContaining(place),
      });
      expect((await committee.audit('bob')).at(-1)).toBe('sign-refused: integrity');
      expect((await committee.sign('bob', committee.order(`life ${life}`))).state).toBe('done');
      await committee.stop(bob);
    }
    await committee.start(bob);
    expect((await committee.sign('alice', order)).result).toMatchObject({
      signature: first.result?.type === 'signature' ? first.result.signature : '',
    });
    expect(bob.fatal).toEqual([]);
  },
);

test('a node whose record of a request is damaged while it is answered fails that one, and goes on', async () => {
  const committee = await Committee.open(3, 'damaged meanwhile', {});
  await committee.key();
  const bob = committee.at('bob');
  const { requests } = bob.home;
  const recordResult = requests.recordResult.bind(requests);
  requests.recordResult = async (id, result) => {
    requests.recordResult = recordResult;
    const place = `requests/${Buffer.from(id).toString('hex')}`;
    const sealed = (await bob.store.get(place)) as Uint8Array;
    const at = sealed.length - 40;
    await bob.store.batch([{ type: 'put', key: place, value: sealed.with(at, (sealed[at] as number) ^ 1) }]);
    return await recordResult(id, result);
  };
  const { id } = await bob.node.sign(committee.order('pay'));
  await committee.until(() => committee.ceremony('bob', id)?.state === 'failed');
  expect(committee.ceremony('bob', id)?.failure?.code).toBe('integrity');
  await committee.until(() => ['alice', 'carol'].every((name) => committee.ceremony(name, id)?.state === 'done'));
  expect((await committee.sign('bob', committee.order('next'))).state).toBe('done');
  expect(bob.fatal).toEqual([]);
});

test('a node whose set-up with one party was damaged signs with others, says so, and sets up something new', async () => {
  const committee = await Committee.open(3, 'one pair damaged', {}, toyTools());
  await committee.key({ scheme: 'ecdsa', threshold: 2 });
  const bob = committee.at('bob');
  const pairs = () => bob.node.peers().map(({ name, pairs: { missing } }) => [name, missing]);
  const keyId = keyIdOf(bob.config.networkId, 'treasury');
  const [lost = 0] = bob.home.keys.get(keyId)?.current?.material ?? [];
  await committee.stop(bob);
  const place = `material/${toHex(keyId)}/0000000001/0000${lost}`;
  const sealed = (await bob.store.get(place)) as Uint8Array;
  await bob.store.batch([{ type: 'put', key: place, value: sealed.with(300, (sealed[300] as number) ^ 1) }]);
  await committee.start(bob);

  expect(bob.home.keys.get(keyId)?.current?.material).not.toContain(lost);
  expect(pairs().filter(([, missing]) => missing === 1)).toHaveLength(1);
  expect((await bob.node.status()).warnings).toContainEqual(expect.stringMatching(/nothing is set up with \w+ for 1 /));
  expect(await committee.audit('bob')).toContain('pair-quarantined: altered');
  const intent = { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } as const;
  const signed = await committee.sign('bob', committee.order('pay', { intent }));
  expect(signed.state).toBe('done');
  expect(await bob.node.keys()).toHaveLength(1);

  await committee.until(() => pairs().every(([, missing]) => missing === 0), 60_000);
  expect(bob.home.keys.get(keyId)?.current?.material).toContain(lost);
  expect((await bob.node.status()).warnings.filter((one) => one.includes('set up'))).toEqual([]);
  expect((await committee.sign('bob', committee.order('pay again', { intent }))).state).toBe('done');
  for (const { fatal, home } of committee.members.values()) expect([fatal, home.bans.list()]).toEqual([[], []]);
});
