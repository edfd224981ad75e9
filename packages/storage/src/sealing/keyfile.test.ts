import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, seeded, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.ts';
import { createKeyFile, isPrivate, readKeyFile } from './keyfile.ts';

describe('a key file', () => {
  test('is made for its owner alone, holds what was drawn, and is read back', async () => {
    const path = join(await temporaryFolder(), 'root.key');
    await createKeyFile(path, seeded(ascii('key file')));
    const expected = toHex(seeded(ascii('key file')).bytes(32));
    expect(await readFile(path, 'utf8')).toBe(`${expected}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    using key = await readKeyFile(path);
    expect(key.use(toHex)).toBe(expected);
  });

  test('is never overwritten', async () => {
    const path = join(await temporaryFolder(), 'root.key');
    await createKeyFile(path, seeded(ascii('one')));
    const before = await readFile(path);
    await expect(createKeyFile(path, seeded(ascii('two')))).rejects.toMatchObject({ code: 'key-file-exists' });
    expect(await readFile(path)).toEqual(before);
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o666])('is refused, with the remedy, when its mode is %o', async (mode) => {
    const path = join(await temporaryFolder(), 'root.key');
    await createKeyFile(path, seeded(ascii('one')));
    await chmod(path, mode);
    await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'key-file-exposed', message: /chmod 600/ });
  });

  test.each([
    ['raw bytes', Buffer.alloc(32, 5), true],
    ['upper case', Buffer.from('AB'.repeat(32)), true],
    ['no newline', Buffer.from('ab'.repeat(32)), true],
    ['too short', Buffer.from('ab'.repeat(31)), false],
    ['too long', Buffer.from('ab'.repeat(33)), false],
    ['two newlines', Buffer.from(`${'ab'.repeat(32)}\n\n`), false],
    ['not hexadecimal', Buffer.from('ag'.repeat(32)), false],
    ['empty', Buffer.alloc(0), false],
  ])('in the form "%s" is read or refused', async (_form, contents, good) => {
    const path = join(await temporaryFolder(), 'root.key');
    await writeFile(path, contents, { mode: 0o600 });
    if (good) expect((await readKeyFile(path)).length).toBe(32);
    else await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'key-file-malformed' });
  });

  test('that is missing is said to be', async () => {
    const path = join(await temporaryFolder(), 'nothing');
    await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'key-file-unreadable' });
  });

  test.each([
    ['its own', 1000, 0o600, 1000, true],
    ['its own, read-only', 1000, 0o400, 1000, true],
    ['its own, readable by the group', 1000, 0o640, 1000, false],
    ["root's, mounted for it", 0, 0o444, 1000, true],
    ["root's, writable by the group", 0, 0o464, 1000, false],
    ["root's, writable by all", 0, 0o446, 1000, false],
    ["another user's", 1001, 0o444, 1000, false],
    ['its own as root, readable by all', 0, 0o444, 0, false],
    ['its own as root', 0, 0o600, 0, true],
  ])('%s: fit or not', (_what, uid, mode, self, fit) => {
    expect(isPrivate({ uid, mode: 0o100000 | mode }, self)).toBe(fit);
  });
});
