import { type Cut, cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/standing';

/** Of a file outside of the folder, noticed by its tests. */
function elsewhere(file: string, list: readonly Cut[]): readonly Mutant[] {
  const tests = [`${folder}/standings.test.ts`];
  return list.map(([find, replace, why]) => ({ file: `packages/node/src/${file}`, find, replace, tests, why }));
}

export const marks: readonly Mutant[] = [
  ...cuts(
    folder,
    'statement.ts',
    ['statement.test.ts'],
    [
      ['if (!equal(statement.network, network) || !equal(', 'if (!equal(', 'a statement of another network'],
      [' || !equal(statement.node, node)', '', 'a statement of another node'],
      [
        'return signatures.verify(node, digestOf(statement), statement.signature) ? statement : undefined;',
        'return statement;',
        'a statement that nobody signed',
      ],
    ],
  ),
  ...cuts(
    folder,
    'recovery.ts',
    ['standings.test.ts'],
    [
      [
        'if (evidence !== undefined) await marks.raiseFloor(Math.floor(clock.now() / 1_000));',
        '',
        'numbers under which a rollback had it forget what it promised',
      ],
      [
        'if (statement !== undefined && !this.#knows(statement))',
        'if (false as boolean)',
        'a rollback that is shown and not believed',
      ],
      [
        'return oldest !== undefined && bootCounter(statement.bootEpoch) < bootCounter(oldest.bootEpoch);',
        'return false;',
        'a start that is too long ago to be remembered',
      ],
      ['if (generation !== 0) return generation < 0;', '', 'old statements that count after all was settled'],
      [
        'if (life !== undefined) return statement.counter <= life.counter;',
        'if (life !== undefined) return true;',
        'a disk of the same start',
      ],
      [
        "if (this.#own.state === 'recovering') this.#inBackground",
        'if (false) this.#inBackground',
        'twins that decide by themselves',
      ],
      [
        'if (twin === 1) return this.twin();\n    if (wait === 0)',
        'if (wait === 0)',
        'twins that decide by themselves, asking',
      ],
      ['if (wait === 0) this.#confirmed.add(peer);', 'this.#confirmed.add(peer);', 'an instance that may still run'],
      ['confirmed.length >= Math.min(need, others.length)', 'confirmed.length >= 1', 'one liar that confirms'],
      ['...known, ...learned]', '...known]', 'committees of forgotten keys'],
      [
        'if (this.#nonce === undefined || !equal(nonce, this.#nonce)) return;\n    for',
        'if (this.#nonce === undefined) return;\n    for',
        'an answer to another question',
      ],
      ['    await burn();\n', '', 'pairs that were checked against'],
      ['this.#inBackground(bans.ban({', 'void (({', 'bans that a rollback forgets'],
      ["    held(this.reason ?? '');\n    const fields", '    const fields', 'ceremonies that go on after a rollback'],
      ['      await marks.raise(keyId, epoch);\n', '', 'an old share that signs'],
      ['if ((told?.get(peer)?.epoch ?? 0) < epoch) show', 'show', 'thousands of certificates for those who have them'],
      ['show(peer, certificate);', 'void 0;', 'a certificate that one kept back, and that nobody else ever hears of'],
      [
        'return this.#parts.certified(certificate, learned);',
        'return this.#parts.certified(certificate, () => []);',
        'a loss that is none, told by what others prove',
      ],
    ],
  ),
  ...cuts(
    folder,
    'watch.ts',
    ['standings.test.ts'],
    [
      ['if (marks.doubtOf(node) !== undefined) return true;', '', 'registrations of whom nobody trusts'],
      [
        'return bootCounter(bootEpoch) <= bootCounter(known.bootEpoch);',
        'return false;',
        'registrations of an earlier start',
      ],
      ['this.#inBackground(marks.doubt(node, next));', '', 'a doubt that is not kept'],
      ['const twin = doubt.twin || returned;', 'const twin = doubt.twin;', 'instances that take turns'],
      ['twin: isOneStart', 'twin: false', 'a copy of a running machine'],
      [
        'if (now - this.#openedAt < limits.instanceLease) return false;',
        '',
        'a peer that was not there to hear the other instance',
      ],
      ['outdated: settles < 0', 'outdated: false', 'an instance that was decided against'],
      ['if (doubt !== undefined) this.#inBackground(this.#settle(peer, node));', '', 'a doubt without an end'],
    ],
  ),
  ...cuts(
    folder,
    'standings.ts',
    ['standings.test.ts'],
    [
      [
        "if (reason !== undefined) throw new ServiceError('suspended', reason);",
        '',
        'orders of a node that was rolled back',
      ],
      ['if (problem !== undefined) throw', 'if (false) throw', 'an order with a share of an old epoch'],
      ['const counter = (own.lives', 'const counter = 1 || (own.lives', 'statements that do not rise'],
      ['    await marks.keepOwn({ ...own, lives });\n', '', 'statements that their maker forgets'],
    ],
  ),
  ...elsewhere('ceremonies/ceremonies.ts', [
    [
      '    this.#sessions.giveUpWith(peer);\n    this.#workshop',
      '    this.#workshop',
      'nonces answered on another connection',
    ],
    ['connected && !this.#workshop.standings.isDoubted(peer)', 'connected', 'doubted peers that are asked'],
  ]),
  ...elsewhere('ceremonies/keygen.ts', [
    ['  if (lost !== undefined)\n', '  if (false)\n', 'another key under the name of one that was lost'],
  ]),
  ...elsewhere('ceremonies/refresh.ts', [
    ['Math.max(highestOf(key), standings.floor)', 'highestOf(key)', 'READY for a number that may have had another'],
  ]),
  ...elsewhere('ceremonies/reshare-rules.ts', [
    ['Math.max(highest, workshop.standings.floor)', 'highest', 'an approval of a number that may have had another'],
  ]),
  ...elsewhere('ceremonies/refresh-schedule.ts', [
    [
      'Math.max(this.#port.told(key), this.#workshop.standings.floor)',
      'this.#port.told(key)',
      'a refresh that its proposer refuses',
    ],
  ]),
  ...elsewhere('ceremonies/reshares.ts', [
    [
      'Math.max(this.#port.told(key), this.#workshop.standings.floor)',
      'this.#port.told(key)',
      'a reshare that its proposer refuses',
    ],
  ]),
  ...elsewhere('ceremonies/certified.ts', [
    [
      'signatures: tools.signatures };',
      'signatures: { ...tools.signatures, verify: () => true } };',
      'certificates that nobody signed',
    ],
  ]),
  ...elsewhere('ceremonies/admission.ts', [
    [
      '    this.#workshop.standings.expectWell();\n    const existing',
      '    const existing',
      'an order that was being written down when the node learnt that it was rolled back',
    ],
  ]),
  ...elsewhere('ceremonies/epoch-changes.ts', [
    ['    this.#workshop.standings.renew();\n', '', 'a key epoch that a copy does not know'],
  ]),
  ...elsewhere('ceremonies/registrations.ts', [
    [
      'if (isOther && this.#workshop.standings.doubts(registration.node, registration.bootEpoch)) return;',
      '',
      'registrations of another start',
    ],
  ]),
  ...cuts(
    'packages/node/src',
    'entropy.ts',
    ['entropy.test.ts'],
    [
      [
        ' = fromKernel === undefined ? library : mixed(',
        ' = fromKernel !== undefined ? library : mixed(',
        'a copy that draws what the other draws',
      ],
      [
        'filled += readSync(file, out, filled, length - filled, null);',
        'filled += Math.max(length - 16, readSync(file, out, filled, 16, null));',
        'a draw of which the end is not fresh',
      ],
    ],
  ),
  {
    file: 'packages/node/src/ceremonies/registering.ts',
    find: 'if (start.participants.some(({ registration: { node, bootEpoch } }) => standings.doubts(node, bootEpoch))) {',
    replace: 'if (false) {',
    tests: ['packages/node/src/ceremonies/registering.test.ts'],
    why: 'a Start with a twin',
  },
];
