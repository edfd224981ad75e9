import { type AuditEntry, IntegrityError } from '@quorate/storage';
import { expect, test } from 'vitest';
import { Committee } from '../test/committee.ts';
import { auditPage } from './audit-page.ts';

test('a page of the audit log is bound together by its hashes, and up to its head', async () => {
  const committee = await Committee.open(3, 'audit pages');
  await committee.key();
  const { node } = committee.at('alice');
  const { entries, head } = await node.audit({ after: 0, most: 1_000 });
  expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
  expect(entries.slice(1).map(({ previous }) => previous)).toEqual(entries.slice(0, -1).map(({ hash }) => hash));
  expect(head).toEqual({ sequence: entries.length, hash: entries.at(-1)?.hash });
  expect(entries.map(({ kind }) => kind)).toContain('keygen-approved');
  expect((await node.audit({ most: 2 })).entries).toEqual(entries.slice(-2));
  expect((await node.audit({ after: 1, most: 2 })).entries).toEqual(entries.slice(1, 3));
});

test('an entry that is damaged is said to be', async () => {
  const log = {
    head: () => ({ seq: 1, hash: new Uint8Array(32) }),
    async *entries(): AsyncGenerator<AuditEntry> {
      yield* [];
      throw new IntegrityError('audit/1', 'missing');
    },
  };
  await expect(auditPage(log, { most: 1 })).rejects.toMatchObject({
    code: 'integrity',
    message: expect.stringMatching(/quorate doctor/),
  });
});
