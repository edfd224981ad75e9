import { defineConfig } from 'oxlint';
import { doors } from './scripts/lint/rooms.ts';

const clock = 'time comes through Clock (packages/node/src/clock.ts) or as a value';
const entropy = 'randomness comes through Randomness';
const world = 'only a door may touch the process or the network';

/** Outside the doors (scripts/lint/rooms.ts) nothing reads time, entropy or the process. Imports: scripts/lint/arrows.ts. */
const restrictedGlobals = [
  ...['Date', 'Temporal', 'performance'].map((name) => ({ name, message: clock })),
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({ name, message: clock })),
  { name: 'crypto', message: entropy },
  ...['process', 'globalThis', 'global', 'fetch', 'console'].map((name) => ({ name, message: world })),
];

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['**/dist/**', '**/dist-native/**', 'coverage/**', '.toolchain/**'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': ['error', { allowThrowingUnknown: true }],
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/switch-exhaustiveness-check': 'error',
    'import/no-cycle': 'error',
    eqeqeq: 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    // Off: they object to plain code here, or the compiler's strict options already say it.
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'no-unmodified-loop-condition': 'off',
    'promise/always-return': 'off',
    'typescript/consistent-return': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/unbound-method': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/require-post-message-target-origin': 'off',
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/require-mock-type-parameters': 'off',
    'vitest/require-to-throw-message': 'off',
  },
  overrides: [
    {
      files: ['packages/*/src/**/*.ts'],
      rules: {
        'no-restricted-globals': ['error', ...restrictedGlobals],
        'no-restricted-properties': [
          'error',
          { object: 'Math', property: 'random', message: entropy },
          { object: 'AbortSignal', property: 'timeout', message: clock },
          { object: 'Atomics', property: 'wait', message: clock },
        ],
      },
    },
    {
      files: ['**/*.test.ts', ...doors.map((door) => (door.endsWith('/') ? `${door}**` : door))],
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
  ],
});
