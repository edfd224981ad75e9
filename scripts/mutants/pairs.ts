import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['pairs.test.ts'];

export const pairs: readonly Mutant[] = [
  ...cuts(folder, 'pairs.ts', tests, [
    [
      '    await keys.materials.drop(\n      this.keyId,\n      this.epoch,\n      others.map(({ party }) => party),\n    );\n',
      '',
      'an old half beside a new one',
    ],
    [
      "if (checked.members.length !== 2) throw new ServiceError('invalid', 'a set-up is of two parties');",
      '',
      'a set-up of three',
    ],
    ['return !isRunning && ', 'return ', 'a set-up that runs is given up for another'],
    ['  checkBans(checked.members, workshop);\n', '', 'a set-up with a banned member'],
  ]),
  ...cuts(folder, 'sessions.ts', tests, [
    ["          if (task.kind === 'pairs') this.#port.reseat();\n", '', 'an order that waits for what is there'],
  ]),
  ...cuts(folder, 'preparing.ts', tests, [
    [
      "if (!equal(network, config.networkId)) throw denied('the proposal is for another network');",
      '',
      'another network',
    ],
    ["if (preparation.kind !== kinds[kind]) throw invalid('the proposal is for something else');", '', 'another kind'],
    ['if (!preparations.verify(preparation, tools.signatures)) {', 'if (false) {', 'a proposal that nobody signed'],
    ['  checkExpiry(expires, clock.now());\n', '', 'a proposal that has expired'],
    [
      'if (info.epoch !== epoch) throw denied(`the key ${preparation.key} is in another epoch here`);',
      '',
      'a proposal for another epoch',
    ],
    ["throw invalid('parties are not distinct and ascending');", 'void 0;', 'a party twice'],
    [
      "if (members.length !== parties.length) throw invalid('a party has no share of this key');",
      '',
      'a party without a share',
    ],
    [
      "throw denied('the proposer, or this node, is not among those who take part');",
      'void 0;',
      'a proposal of somebody else',
    ],
  ]),
  ...cuts(folder, 'pair-upkeep.ts', tests, [
    [
      '      await keys.materials.drop(keyId, epoch, parties);\n',
      '',
      'what was in a check when the node died is used again',
    ],
    ['    await sessions.answered(sid, round);\n', '', 'one death that burns what is set up after it'],
    [
      '    for (const { node } of bans.list()) await this.forget(node);\n',
      '',
      'what was set up with a banned member outlives a death',
    ],
    ['if (bans.has(missing.node) || ', 'if (', 'a banned member is asked to set up anew'],
  ]),
  ...cuts(folder, 'admission.ts', tests, [
    [' && !yields(entry, task))) {', ')) {', 'a proposer that died is refused until its proposal expires'],
  ]),
  ...cuts(folder, 'sessions.ts', tests, [
    ['      await this.#port.forget(node);\n    }\n', '    }\n', 'what was set up with a banned member stays'],
    [
      '      await this.#port.forget(node);\n      await bans.lift(node);\n',
      '      await bans.lift(node);\n',
      'a ban lifted over what was set up before',
    ],
  ]),
  ...cuts(folder, 'runner.ts', tests, [
    ['      answered(label);\n', '', 'a check that was finished burns what it used'],
  ]),
];
