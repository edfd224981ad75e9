import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['QUORATE_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors');

/**
 * A file of published test vectors: parsed if it is JSON, else its text. They are not in this repository; the folder comes
 * from `QUORATE_VECTORS`. Undefined, with a loud notice, where it is missing.
 * @param path below the folder, such as `wycheproof/ed25519_test.json`
 */
export function vectors(path: string): unknown {
  const file = join(folder, path);
  if (!existsSync(file)) {
    console.warn(`NOT TESTED against ${path}: no such file in ${folder}. Set QUORATE_VECTORS.`);
    return undefined;
  }
  const text = readFileSync(file, 'utf8');
  return file.endsWith('.json') ? JSON.parse(text) : text;
}
