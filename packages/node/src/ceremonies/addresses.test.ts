import { expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';

const certifying = new Set(['ready', 'certificate', 'activated']);

test('addresses are told of keys that will last only, and of ECDSA keys only', async () => {
  const committee = await Committee.open(2, 'addresses');
  const { node } = committee.at('alice');
  for (const member of committee.members.values()) {
    member.tamper = (frame) => (certifying.has(frame.type) ? [] : [frame]);
  }
  const { id } = await node.keygen({ name: 'treasury', scheme: 'ed25519' });
  await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming');
  await expect(node.addresses('treasury', 'm')).rejects.toMatchObject({ code: 'key-unknown' });
  for (const member of committee.members.values()) member.tamper = undefined;
  await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
  await expect(node.addresses('treasury', 'm')).rejects.toMatchObject({ code: 'invalid' });
  await expect(node.addresses('nobody', 'm')).rejects.toMatchObject({ code: 'key-unknown' });
});
