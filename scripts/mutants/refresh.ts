import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['refresh.test.ts'];
const numbers = ['epoch-numbers.test.ts'];

export const refresh: readonly Mutant[] = [
  ...cuts(folder, 'refresh.ts', tests, [
    [
      "if (!equal(network, config.networkId)) throw denied('the proposal is for another network');",
      '',
      'another network',
    ],
    ['if (!refreshProposals.verify(proposal, tools.signatures))', 'if (false)', 'a proposal that nobody signed'],
    ['  checkExpiry(proposal.expires, clock.now());\n', '', 'a proposal that has expired'],
    [
      'if (baseEpoch !== current.epoch) throw denied(`the key ${name} is in epoch ${current.epoch} here`);',
      '',
      'a refresh of another epoch',
    ],
    [
      '  checkNumber(epoch, name, Math.max(highestOf(key), standings.floor), clock.now());\n',
      '',
      'a number that returns, and one at the end',
    ],
    ['if (wasJustDealt(key, clock.now())) {', 'if (false) {', 'a member that keeps the others dealing'],
    [
      'return age >= 0 && age < limits.refreshPause;',
      'return age < limits.refreshPause;',
      'no refresh until the day that a clock was wrongly at',
    ],
    ["throw invalid('the dealers are no quorum of the committee');", 'void 0;', 'dealers that are no quorum'],
  ]),
  ...cuts(folder, 'epoch-numbers.ts', numbers, [
    ['if (epoch <= highest) throw', 'if (false) throw', 'a number that returns'],
    ['if (epoch > reachAt(now))', 'if (false)', 'a number at the end'],
    [
      'Math.max(least + tries, told + 1)',
      'least + tries',
      'a key that nobody can renew: what others prepared is not heard of',
    ],
    ['Math.max(least + tries, told + 1)', 'told + 1', 'a number that somebody who does not answer knows'],
    ['reachAt(now - doubt)', 'reachAt(now)', 'a liar whose number is above a clock that is behind'],
    [
      'Math.min(Math.max(least + tries, told + 1), reachAt(now - doubt))',
      'Math.max(least + tries, told + 1)',
      'a liar that uses up the numbers',
    ],
    ['Math.max(least, Math.min(', 'Math.max(0, Math.min(', 'a number that is known where it is proposed'],
    [' % limits.clockGuesses', '', 'numbers that fall behind for as long as it is tried'],
  ]),
  ...cuts(folder, 'ceremonies.ts', numbers, [
    [
      'error instanceof NumberTaken ? error.highest : 0',
      '0',
      'a refusal that does not say what a number must be above',
    ],
  ]),
  ...cuts(folder, 'declines.ts', numbers, [
    ['    entry.told = Math.max(entry.told, highest);\n', '', 'a number that is said in vain'],
    [
      '    entry.told = Math.max(entry.told, highest);\n    if (isOver(entry.ceremony)) return;\n',
      '    if (isOver(entry.ceremony)) return;\n    entry.told = Math.max(entry.told, highest);\n',
      'a number that is not heard because somebody else declined first',
    ],
  ]),
  ...cuts(folder, 'book.ts', numbers, [
    [' && task.epoch > (current?.epoch ?? 0)', '', 'a number that is believed for ever'],
  ]),
  ...cuts(folder, 'refresh-schedule.ts', tests, [
    [
      'this.#tries.set(place, { ...tried, count });',
      'this.#tries.set(place, { ...tried, count: count + 1 });',
      'numbers used up',
    ],
  ]),
  ...cuts(folder, 'reshares.ts', tests, [
    [
      '    const count = this.#tries.get(place) ?? 0;\n',
      '    const count = this.#tries.get(place) ?? 0;\n    this.#tries.set(place, count + 1);\n',
      'numbers of reshares used up',
    ],
  ]),
  ...cuts(folder, 'ceremonies.ts', tests, [
    [" || name === 'confirming')) continue;", ')) continue;', 'a refresh begun again where it failed, for nobody'],
  ]),
  ...cuts(folder, 'epoch-changes.ts', tests, [
    [
      '      if (task instanceof SignTask && equal(task.keyId, keyId) && task.epoch < epoch) this.#move(entry, task);\n',
      '',
      'orders that fail because their key moved on',
    ],
  ]),
  ...cuts(folder, 'sessions.ts', tests, [
    [
      "const proof = ending.type === 'done' ? task.proof?.(ending.result, session) : undefined;",
      'const proof = undefined as ReturnType<NonNullable<Task["proof"]>> | undefined;',
      'new shares that nobody has seen alive',
    ],
    [
      "proven.type === 'done' ? { ...proven, result: proof.join(proven.result) } : proven",
      'ending',
      'shares kept although their proof failed',
    ],
  ]),
  ...cuts(
    folder,
    'refresh-schedule.ts',
    ['reshare-rules.test.ts'],
    [
      [
        'dueAt + (this.#awaits(key) ? limits.refreshDeference : 0)',
        'dueAt',
        'operators whose yes a refresh makes worthless',
      ],
      [
        'this.#awaits(key) ? limits.refreshDeference : 0',
        'this.#awaits(key) ? Infinity : 0',
        'reshares that keep the shares as they are',
      ],
    ],
  ),
  ...cuts(folder, 'ceremonies.ts', tests, [
    ['    this.#refreshes.ended(entry);\n', '', 'a refresh that fails for ever, unseen'],
  ]),
  ...cuts(folder, 'declines.ts', tests, [
    ['why.startsWith(tooMany) ? why.slice(tooMany.length) : ', '', 'reasons nested in reasons'],
  ]),
  ...cuts(folder, 'admission.ts', tests, [
    [
      "isOver(ceremony) || ceremony.state.name === 'confirming') return false;\n  return",
      'isOver(ceremony)) return false;\n  return',
      'an attempt that others gave up keeps its key from every later one',
    ],
  ]),
  ...cuts(folder, 'activations.ts', tests, [
    [
      'if (!(await blames.record({ session, party, node, evidence, time: clock.now() }))) return;',
      '',
      'two promises of which no proof is kept',
    ],
    [
      '      if (!mayShred(retirement, age, limits.retirementGrace)) continue;\n',
      '',
      'old shares shredded while nobody knows',
    ],
    ['const age = this.#ages.of(keyId, key.current);', 'const age = 0;', 'a grace without end'],
    ['const age = this.#ages.of(keyId, key.current);', 'const age = clock.now();', 'no grace at all'],
    ['        await keys.shred(keyId, old.epoch);\n', '', 'old shares that stay'],
    ['machine.peers.get(party) !== peer || ', '', 'ACTIVATED said in the name of another'],
  ]),
];
