import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const conditions = ['@quorate/source', 'node', 'import', 'module', 'default'];
const rooms = ['packages/*/src', 'packages/*/native', 'packages/*/test', 'scripts', 'test'];

/** `npm test`: everything but `*.long.test.ts`. `npm run test:long` (mode "long"): only those. */
export default defineConfig(({ mode }) => {
  const long = mode === 'long';
  return {
    ssr: { resolve: { conditions } },
    resolve: { conditions },
    test: {
      include: rooms.map((room) => `${room}/**/*.${long ? 'long.' : ''}test.ts`),
      exclude: long ? [] : ['**/*.long.test.ts'],
      passWithNoTests: long,
      testTimeout: long ? 30 * 60_000 : 60_000,
      hookTimeout: 60_000,
      // By itself vitest leaves one core of two alone.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      setupFiles: ['test/support/seed.ts'],
      execArgv: ['--conditions=@quorate/source'],
    },
  };
});
