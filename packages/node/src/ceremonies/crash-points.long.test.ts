import { describe, expect, test } from 'vitest';
import { crashAt, crashPoints, stories } from '../../test/crash-points.ts';

describe.for(Object.entries(stories))('a crash at any storage operation of a %s', ([, story]) => {
  describe.for(['ed25519', 'ecdsa'] as const)('with an %s key', (scheme) => {
    test.for(['alice', 'bob', 'carol'])(
      'at %s loses nothing, alone or with all others, for long or not',
      async (at) => {
        for (const point of await crashPoints(story, scheme, at)) {
          for (const all of [false, true]) {
            // Shorter than any deadline, and longer than all of them.
            for (const away of [100, 300_000])
              expect([point, all, away, await crashAt(story, scheme, { ...point, all, away })]).toEqual([
                point,
                all,
                away,
                [],
              ]);
          }
        }
      },
    );
  });
});
