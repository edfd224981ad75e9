// Checks every import in the workspace against rooms.ts. `node scripts/lint/arrows.ts` prints what is wrong.
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { banned, doors, packages, rooms, seams } from './rooms.ts';

const importPattern = /\b(?:from|import|require)\s*\(?\s*['"]([^'"\n]+)['"]/g;
const sourcePattern = /^packages\/([^/]+)\/(?:src|native)\//;

/** The complaints about one file, by its path from the root of the repository; none when it keeps to the arrows. */
export function brokenArrows(file: string, text: string): string[] {
  const specifiers = [...text.matchAll(importPattern)].map((match) => match[1] ?? '');
  return specifiers.flatMap((specifier) => {
    const complaint = judge(file, specifier);
    return complaint === undefined ? [] : [`${file}: '${specifier}': ${complaint}`];
  });
}

function judge(file: string, specifier: string): string | undefined {
  if (banned.some((library) => isFrom(library, specifier))) return 'this library is banned';
  const home = packages.find((name) => name === sourcePattern.exec(file)?.[1]);
  if (home === undefined || file.endsWith('.test.ts')) return undefined;
  if (specifier.startsWith('.')) return judgeRelative(file, posix.join(posix.dirname(file), specifier), home);
  if (isBuiltin(specifier)) return isIn(doors, file) ? undefined : 'only a door may import what Node.js brings';
  const sibling = packages.find((name) => isFrom(`@quorate/${name}`, specifier));
  if (sibling !== undefined) {
    const above = packages.indexOf(sibling) > packages.indexOf(home);
    return above ? `packages/${home} may not import packages/${sibling}: arrows point down` : undefined;
  }
  const seam = seams.find(({ library }) => isFrom(library, specifier));
  if (seam === undefined) return 'this library has no seam in scripts/lint/rooms.ts';
  return isIn(seam.rooms, file) ? undefined : `only ${seam.rooms.join(', ')} may import it`;
}

function judgeRelative(file: string, target: string, home: (typeof packages)[number]): string | undefined {
  if (!target.startsWith(`packages/${home}/`)) return 'leaves the package: import it by its name';
  const [from, to] = [room(file), room(target)];
  if (to === 'native') return from === 'native' ? undefined : 'the native twins are injected, never imported';
  if (from === 'native') return undefined;
  const [fromRow, toRow] = [from, to].map((name) => rooms[home].findIndex((row) => row.includes(name)));
  if (fromRow === undefined || fromRow < 0) return `room ${from} has no place in scripts/lint/rooms.ts`;
  if (toRow === undefined || toRow < 0) return `room ${to} has no place in scripts/lint/rooms.ts`;
  return toRow > fromRow ? `${from} may not import ${to}: arrows point down` : undefined;
}

/** `packages/node/src/network/host.ts` → `network`; `packages/protocol/native/…` → `native`. */
function room(path: string): string {
  const [, , folder, name] = path.split('/');
  return folder === 'src' ? (name ?? '') : (folder ?? '');
}

function isFrom(library: string, specifier: string): boolean {
  return library.endsWith('/')
    ? specifier.startsWith(library)
    : specifier === library || specifier.startsWith(`${library}/`);
}

function isIn(places: readonly string[], file: string): boolean {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));
}

if (import.meta.main) {
  const root = dirname(dirname(import.meta.dirname));
  const files = globSync(['packages/*/{src,native,test,bench}/**/*.ts', '{scripts,test}/**/*.{ts,mjs}'], {
    cwd: root,
    exclude: ['scripts/lint/arrows.test.ts'], // it quotes broken imports
  });
  const complaints = files.sort().flatMap((file) => brokenArrows(file, readFileSync(join(root, file), 'utf8')));
  for (const complaint of complaints) console.error(complaint);
  console.error(`${files.length} files, ${complaints.length} broken arrows`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
