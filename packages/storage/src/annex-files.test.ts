import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../test/fixtures.ts';
import { openAnnex } from './annex-files.ts';

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('what is kept beside the store', () => {
  test('belongs to its owner alone, also where somebody had opened it up', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'copies'));
    await writeFile(join(folder, 'copies', 'old'), 'x');
    await chmod(join(folder, 'copies'), 0o755);
    await chmod(join(folder, 'copies', 'old'), 0o644);
    const annex = await openAnnex(folder);
    await annex.writeCopy('new', ascii('sealed'));
    annex.writeCounter(0, ascii('1'));
    await annex.close();
    expect(
      await Promise.all(['copies', 'copies/old', 'copies/new', 'counter'].map((one) => mode(join(folder, one)))),
    ).toEqual([0o700, 0o600, 0o600, 0o600]);
  });

  test('is written whole or not at all: what a crash left half written goes', async () => {
    const folder = await temporaryFolder();
    const annex = await openAnnex(folder);
    await annex.writeCopy('a', ascii('first'));
    await annex.writeCopy('a', ascii('second'));
    await writeFile(join(folder, 'copies', 'a.tmp'), 'thi');
    await annex.close();
    const again = await openAnnex(folder);
    expect(await again.copies()).toEqual(['a']);
    expect(await again.readCopy('a')).toEqual(ascii('second'));
    expect(await readdir(join(folder, 'copies'))).toEqual(['a']);
    await again.close();
  });

  test('is gone when it is erased, and erasing what is not there is harmless', async () => {
    const folder = await temporaryFolder();
    const annex = await openAnnex(folder);
    await annex.writeCopy('a', ascii('sealed'));
    await annex.eraseCopy('a');
    await annex.eraseCopy('a');
    expect([await annex.copies(), await annex.readCopy('a')]).toEqual([[], undefined]);
    await annex.close();
  });

  test('has a counter that is written in place', async () => {
    const folder = await temporaryFolder();
    const annex = await openAnnex(folder);
    expect(await annex.readCounter()).toBeUndefined();
    annex.writeCounter(0, ascii('aaaa'));
    annex.writeCounter(4, ascii('bbbb'));
    await annex.close();
    const again = await openAnnex(folder);
    again.writeCounter(2, ascii('cc'));
    expect(await again.readCounter()).toEqual(ascii('aaccbbbb'));
    await again.close();
  });

  test('fails with a typed error', async () => {
    await expect(openAnnex('/dev/null')).rejects.toMatchObject({ code: 'store-unavailable' });
    const folder = await temporaryFolder();
    const annex = await openAnnex(folder);
    await mkdir(join(folder, 'copies', 'a'));
    await mkdir(join(folder, 'counter'));
    await expect(annex.writeCopy('a', ascii('x'))).rejects.toMatchObject({ code: 'store-failed' });
    await expect(annex.readCopy('a')).rejects.toMatchObject({ code: 'store-failed' });
    await expect(annex.eraseCopy('a')).rejects.toMatchObject({ code: 'store-failed' });
    expect(() => annex.writeCounter(0, ascii('x'))).toThrow(expect.objectContaining({ code: 'store-failed' }));
    await annex.close();
  });
});

/** Runs a script in a process of its own whose files may not grow beyond so many blocks of 1 KiB: then the disk is full. */
function onFullDisk(folder: string, body: string): string {
  const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { openDatabase } from ${at('./database.ts')};
    import { openAnnex } from ${at('./annex-files.ts')};
    const folder = ${JSON.stringify(folder)};
    ${body}`;
  const node = [process.execPath, '--conditions=@quorate/source', '--input-type=module', '-e', script];
  const ran = spawnSync('/bin/bash', ['-c', 'ulimit -f 64; trap "" XFSZ; exec "$@"', 'bash', ...node]);
  return `${ran.stdout.toString()}${ran.stderr.toString()}`.trim();
}

describe('on a full disk', () => {
  test('no write of the database is acknowledged that is not there afterwards, and the handle is dead', async () => {
    const folder = join(await temporaryFolder(), 'store');
    const said = onFullDisk(
      folder,
      `const store = await openDatabase(folder);
      let acknowledged = 0;
      try {
        for (;; acknowledged++) await store.batch([{ type: 'put', key: 'k' + acknowledged, value: new Uint8Array(5000) }]);
      } catch (error) {
        const again = await store.batch([]).catch((error) => error.code);
        console.log(acknowledged + ' ' + error.code + ' ' + again);
      }`,
    );
    const [acknowledged, ...codes] = said.split(' ');
    expect(codes).toEqual(['store-failed', 'store-failed']);
    expect(Number(acknowledged)).toBeGreaterThan(3);
    const { openDatabase } = await import('./database.ts');
    const store = await openDatabase(folder);
    for (let i = 0; i < Number(acknowledged); i++) expect(await store.get(`k${i}`)).toHaveLength(5000);
    await store.batch([{ type: 'put', key: 'space', value: ascii('is back') }]);
    await store.close();
  });

  test('no copy is acknowledged, and the old one stays', async () => {
    const folder = await temporaryFolder();
    const said = onFullDisk(
      folder,
      `const annex = await openAnnex(folder);
      await annex.writeCopy('a', new TextEncoder().encode('first'));
      console.log(await annex.writeCopy('a', new Uint8Array(1_000_000)).catch((error) => error.code));`,
    );
    expect(said).toBe('store-failed');
    expect((await readFile(join(folder, 'copies', 'a'))).toString()).toBe('first');
  });
});
