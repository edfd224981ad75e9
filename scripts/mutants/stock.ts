import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/stock';

export const stock: readonly Mutant[] = [
  ...cuts(
    folder,
    'shelf.ts',
    ['shelf.test.ts'],
    [
      ['if (!this.isShort(peer, role)) return half.secret.wipe();', '', 'more sets than there is room for'],
      ['    if (oldest !== undefined) this.#set(peer, role, rest);\n', '', 'a set given out twice'],
      ['if (!rest.includes(half)) half.secret.wipe();', '', 'what is dropped stays in memory'],
      ['    this.#expire(peer);\n    const [oldest', '    const [oldest', 'a set of yesterday'],
      ['      else this.drop(peer);\n', '', 'sets with who is no member any more'],
    ],
  ),
  ...cuts(
    folder,
    'sets.ts',
    ['sets.test.ts'],
    [
      [
        "if (key === undefined) return { unusable: 'the key is no point' };",
        '',
        'a key that is no point ends the work as a bug would',
      ],
      [
        "if (points === undefined) return { unusable: 'the points are none' };",
        '',
        'points that are none end the work as a bug would',
      ],
      ["if ('faulty' in set) return { unusable: 'the points give the identity' };", '', 'keys that everybody knows'],
      ['  wipe(...halvesOf({ asBob, asAlice }));\n', '', 'a copy of a set that is in use'],
      [
        '  using secret = new Secret(input.keySecret);',
        '  const secret = new Secret(input.keySecret);',
        'the key of a set outlives it',
      ],
    ],
  ),
  ...cuts(
    folder,
    'stock.ts',
    ['stock.test.ts'],
    [
      ['    if (!this.#isWelcome(peer)) return;\n    switch', '    switch', 'work for a banned member, or for none'],
      ['if (this.#boots.get(peer) !== boot) this.#dropPeer(peer);', '', 'sets with an earlier life of a peer'],
      [
        'if (exchange?.own === undefined || !equal(exchange.session, session)) return;',
        'if (exchange?.own === undefined) return;',
        'points for another session',
      ],
      ['    if (this.#exchanges.alice.has(peer)) return;\n', '', 'two sets of one peer at once'],
      [' || !this.#budgets.spend(peer)) return;', ') return;', 'work without end for a peer'],
      ["this.#shelf.keepOnly(peer, 'alice', sets);", '', 'a set that Bob has lost'],
      ["return this.#shelf.keepOnly(peer, 'bob', message.value.sets);", 'return;', 'a set that Alice has lost'],
      ['if (this.#working || this.#options.busy()) return;', 'if (this.#working) return;', 'work beside a session'],
      [
        'if (this.#working || this.#options.busy()) return;',
        'if (this.#options.busy()) return;',
        'two computations at once',
      ],
      [
        '    if (!current) {\n      secret.wipe();\n',
        '    if (!current) {\n',
        'what is not wanted any more stays in memory',
      ],
      [
        '    this.#abandon(peer);\n    this.#shelf.drop(peer);',
        '    this.#shelf.drop(peer);',
        'a set that was being made with who is banned since',
      ],
      [
        '    this.#abandon(peer);\n    this.#shelf.drop(peer);',
        '    this.#abandon(peer);',
        'a set made with who is banned since',
      ],
      ['    this.#shelf.clear();\n', '', 'sets that outlive the node'],
      [
        'limits.stockRetryFirst * 2 ** failures',
        'limits.stockRetryFirst',
        'a peer that never answers is asked for ever',
      ],
    ],
  ),
];
