import { describe, expect, it } from 'vitest';

/**
 * The rules by which a committee hands a key to another, checked for loss: in every order of events, with liars and destroyed
 * nodes, the newest epoch that anybody honest knows to be certified has a threshold of honest shares. A model, not the code: it is
 * what the code must follow. Old committee and new one overlap as much as one likes; attempts deal from epoch 0.
 */
interface Setting {
  /** Members, and how many of them may be corrupt or destroyed: the threshold is one more. */
  readonly old: { readonly n: number; readonly f: number };
  readonly fresh: { readonly n: number; readonly f: number };
  /** How many are in both. */
  readonly overlap: number;
  /** Corrupt members, and nodes that may be destroyed, counted from the honest: of the old, of both, of the new. */
  readonly corrupt: readonly [number, number, number];
  readonly destroyed: number;
  readonly attempts: number;
  /** A committee of strangers that claims to follow the old one. */
  readonly bogus?: boolean;
  readonly broken?: 'no-approval' | 'forget-prepared' | 'per-node-votes';
}

interface Node {
  readonly inOld: boolean;
  readonly inNew: boolean;
  readonly alive: boolean;
  /** Attempts, as bits. */
  readonly prepared: number;
  readonly ready: number;
  readonly approved: number;
  readonly certified: number;
  readonly shredded: boolean;
}

type World = readonly Node[];

function explore(setting: Setting): { readonly worlds: number; readonly lost: World | undefined } {
  const { old, fresh, overlap, corrupt, destroyed, attempts, broken } = setting;
  const [corruptOld, corruptBoth, corruptNew] = corrupt;
  const bogusBit = 1 << (attempts + 1);
  const node = (inOld: boolean, inNew: boolean): Node => ({
    inOld,
    inNew,
    alive: true,
    prepared: 0,
    ready: 0,
    approved: 0,
    certified: 0,
    shredded: false,
  });
  const many = (count: number, inOld: boolean, inNew: boolean) =>
    Array.from({ length: count }, () => node(inOld, inNew));
  const first: World = [
    ...many(old.n - overlap - corruptOld, true, false),
    ...many(overlap - corruptBoth, true, true),
    ...many(fresh.n - overlap - corruptNew, false, true),
  ];

  const isCertified = (world: World, bit: number, at: Node): boolean => {
    if (bit === bogusBit) return broken === 'no-approval';
    if (broken === 'per-node-votes') return (at.ready & bit) !== 0;
    if (!world.filter(({ inNew }) => inNew).every(({ ready }) => ready & bit)) return false;
    // Those who stay said READY; those who leave approve; the corrupt do whatever suits them.
    const wanting =
      corruptOld +
      corruptBoth +
      world.filter(({ inOld, inNew, approved }) => inOld && (inNew || approved & bit)).length;
    return broken === 'no-approval' || wanting > old.f;
  };
  const isLost = (world: World): boolean => {
    const alive = world.filter((one) => one.alive);
    const highest = alive.reduce((all, { certified }) => Math.max(all, certified), 0);
    if (highest >= bogusBit) return true;
    if (highest === 0) return alive.filter(({ inOld, shredded }) => inOld && !shredded).length <= old.f;
    const newest = 1 << (31 - Math.clz32(highest));
    return alive.filter(({ prepared }) => prepared & newest).length <= fresh.f;
  };
  /** Whether a ceremony can deal: enough of the old committee still hold epoch 0. */
  const deals = (world: World): boolean =>
    corruptOld + corruptBoth + world.filter(({ alive, inOld, shredded }) => alive && inOld && !shredded).length > old.f;

  const next = (world: World): World[] => {
    const out: World[] = [];
    const change = (at: number, to: Partial<Node>): void => {
      out.push(world.map((one, i) => (i === at ? { ...one, ...to } : one)));
    };
    const dead = world.filter(({ alive }) => !alive).length;
    world.forEach((one, at) => {
      if (!one.alive) return;
      if (dead < destroyed) change(at, { alive: false });
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const bit = 1 << attempt;
        const begins = one.certified === 0 && !one.shredded && deals(world);
        if (one.inNew && !(one.ready & bit) && begins)
          change(at, { prepared: one.prepared | bit, ready: one.ready | bit });
        // A leaving dealer approves what it saw through: the honest new members hold their shares by then, or will say no.
        const sawThrough = world.some(({ inNew, ready }) => inNew && ready & bit);
        if (one.inOld && !one.inNew && !(one.approved & bit) && begins && sawThrough)
          change(at, { approved: one.approved | bit });
        if (broken === 'forget-prepared' && one.prepared & bit && !(one.certified & bit))
          change(at, { prepared: one.prepared & ~bit });
        if (!(one.certified & bit) && isCertified(world, bit, one)) change(at, { certified: one.certified | bit });
      }
      if (setting.bogus === true && one.inOld && !(one.certified & bogusBit) && isCertified(world, bogusBit, one)) {
        change(at, { certified: one.certified | bogusBit });
      }
      const others =
        corruptBoth +
        corruptNew +
        world.filter((other) => other !== one && other.inNew && other.certified !== 0).length;
      if (one.inOld && one.certified !== 0 && !one.shredded && others > fresh.f) change(at, { shredded: true });
    });
    return out;
  };

  const keyOf = (world: World): string =>
    JSON.stringify(world.map((one) => JSON.stringify(Object.values(one))).toSorted());
  const seen = new Set([keyOf(first)]);
  const open = [first];
  while (open.length > 0) {
    const world = open.pop() as World;
    if (isLost(world)) return { worlds: seen.size, lost: world };
    for (const after of next(world)) {
      const key = keyOf(after);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(after);
    }
  }
  return { worlds: seen.size, lost: undefined };
}

const three = { n: 3, f: 1 };
const five = { n: 5, f: 2 };

describe('a key that moves from one committee to another is never lost', () => {
  it.each<[string, Setting]>([
    [
      'the same three, one corrupt',
      { old: three, fresh: three, overlap: 3, corrupt: [0, 1, 0], destroyed: 0, attempts: 2 },
    ],
    [
      'the same three, one destroyed',
      { old: three, fresh: three, overlap: 3, corrupt: [0, 0, 0], destroyed: 1, attempts: 2 },
    ],
    [
      'three others, one corrupt in each',
      { old: three, fresh: three, overlap: 0, corrupt: [1, 0, 1], destroyed: 0, attempts: 2 },
    ],
    [
      'three others, one destroyed',
      { old: three, fresh: three, overlap: 0, corrupt: [0, 0, 0], destroyed: 1, attempts: 1 },
    ],
    [
      'one of three stays, and is corrupt',
      { old: three, fresh: three, overlap: 1, corrupt: [0, 1, 0], destroyed: 0, attempts: 2 },
    ],
    [
      'one of three stays, one of each corrupt',
      { old: three, fresh: three, overlap: 1, corrupt: [1, 0, 1], destroyed: 0, attempts: 2 },
    ],
    [
      'two of three stay, one is destroyed',
      { old: three, fresh: three, overlap: 2, corrupt: [0, 0, 0], destroyed: 1, attempts: 2 },
    ],
    [
      'three become five, two corrupt',
      { old: three, fresh: five, overlap: 2, corrupt: [0, 1, 1], destroyed: 0, attempts: 1 },
    ],
    [
      'five become three, two corrupt',
      { old: five, fresh: three, overlap: 2, corrupt: [1, 1, 0], destroyed: 0, attempts: 1 },
    ],
    [
      'strangers claim to follow',
      { old: three, fresh: three, overlap: 3, corrupt: [0, 1, 0], destroyed: 0, attempts: 1, bogus: true },
    ],
  ])('when %s', (_, setting) => {
    const { worlds, lost } = explore(setting);
    expect(lost).toBeUndefined();
    expect(worlds).toBeGreaterThan(5);
  });

  const moving: Setting = { old: three, fresh: three, overlap: 0, corrupt: [1, 0, 1], destroyed: 0, attempts: 1 };
  it.each<[string, Setting]>([
    ['whoever claims to follow is believed', { ...moving, bogus: true, broken: 'no-approval' }],
    ['a prepared share is forgotten on a timeout', { ...moving, broken: 'forget-prepared' }],
    [
      'each node counts votes that a liar can tell two ways',
      { ...moving, overlap: 3, corrupt: [0, 1, 0], broken: 'per-node-votes' },
    ],
  ])('and is lost at once where %s', (_, setting) => {
    expect(explore(setting).lost).toBeDefined();
  });
});
