import { describe, expect, test } from 'vitest';
import { crashAt, crashPoints, stories } from '../../test/crash-points.ts';

describe.for(Object.entries(stories))('a crash at any storage operation of a %s', ([name, story]) => {
  // The one who begins, another, and all at once; the rest is in the long tests. Most of the time goes to making ECDSA keys.
  const cases = [
    ['ed25519', story.by, false],
    // A reshare that failed is open elsewhere for an hour, which takes long to wait for at every point.
    ...(name === 'reshare' ? [] : [['ed25519', 'carol', false] as const]),
    ['ed25519', story.by, true],
    ...(name === 'keygen' ? [['ecdsa', 'carol', false] as const] : []),
  ] as const;
  test.for(cases)(
    'with an %s key, at %s (and all others: %s), loses nothing',
    { timeout: 300_000 },
    async ([scheme, at, all]) => {
      const points = await crashPoints(story, scheme, at);
      expect(points.length).toBeGreaterThan(5);
      // LevelDB may lose such a write where a later one is kept.
      expect(points.map(({ kind }) => kind)).not.toContain('unsynced');
      for (const point of points) expect([point, await crashAt(story, scheme, { ...point, all })]).toEqual([point, []]);
    },
  );
});
