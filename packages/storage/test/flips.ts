import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Randomness, Secret } from '@quorate/protocol';
import { createKeyFile, createKeyring, KeyFileError, openDatabase, readKeyFile, StoreError } from '../src/index.ts';
import { flipped, owner, sealer, temporaryFolder } from './fixtures.ts';
import { fill, type Survey, survey, verdict } from './node-data.ts';

/** The data folder of a node that lived, unlocked by a key file in it. */
export async function dataFolder({ reopened }: { readonly reopened: boolean }): Promise<string> {
  const folder = join(await temporaryFolder(), 'data');
  await mkdir(folder);
  const { randomness } = sealer('key file');
  await createKeyFile(join(folder, 'root.key'), randomness);
  const store = await openDatabase(join(folder, 'store'), folder);
  using key = await readKeyFile(join(folder, 'root.key'));
  (await createKeyring(store, { type: 'key-file', key: key.clone() }, owner, sealer())).close();
  await fill(store, undefined, { type: 'key-file', key: key.clone() });
  await store.close();
  // Opening moves what is in the log into tables, which LevelDB checks less.
  if (reopened) await (await openDatabase(join(folder, 'store'), folder)).close();
  return folder;
}

/** Opens a data folder as a node does. */
async function surveyFolder(folder: string): Promise<Survey> {
  let key: Secret;
  try {
    key = await readKeyFile(join(folder, 'root.key'));
  } catch (error) {
    if (error instanceof KeyFileError) return { refused: error.code };
    throw error;
  }
  try {
    const store = await openDatabase(join(folder, 'store'), folder);
    try {
      return await survey(store, { type: 'key-file', key });
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof StoreError) return { refused: error.code };
    throw error;
  }
}

/** Flips so many random bits, each in a copy of its own, and counts what became of them. @throws as {@link verdict} */
export async function flips(folder: string, count: number, randomness: Randomness): Promise<Record<string, number>> {
  const scratch = `${folder}-copy`;
  await cp(folder, scratch, { recursive: true });
  const truth = await surveyFolder(scratch);
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const contents = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name).slice(folder.length);
      return { path, bytes: new Uint8Array(await readFile(join(folder, path))) };
    }),
  );
  const total = contents.reduce((sum, { bytes }) => sum + 8 * bytes.length, 0);
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    // Every bit of the folder is as likely as any other.
    let bit = new DataView(randomness.bytes(4).buffer).getUint32(0) % total;
    const file = contents.find(({ bytes }) => (bit -= 8 * bytes.length) < 0) as (typeof contents)[number];
    bit += 8 * file.bytes.length;
    await rm(scratch, { recursive: true });
    await cp(folder, scratch, { recursive: true });
    await writeFile(join(scratch, file.path), flipped(file.bytes, bit));
    try {
      const found = verdict(truth, await surveyFolder(scratch));
      seen[found] = (seen[found] ?? 0) + 1;
    } catch (error) {
      throw new Error(`bit ${bit} of ${file.path} flipped`, { cause: error });
    }
  }
  return seen;
}
