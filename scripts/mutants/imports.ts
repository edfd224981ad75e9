import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['import.test.ts'];

export const imports: readonly Mutant[] = [
  ...cuts(folder, 'import.ts', tests, [
    ['  if (!verifyImport(proposal, signatures))\n', '  if (false)\n', 'an import that nobody signed'],
    [
      "throw new ServiceError('invalid', 'whoever imports a key is one of its members');",
      'void 0;',
      'a dealer from outside',
    ],
    [
      '  const decision = checkTerms(proposal, workshop);\n',
      "  const decision = 'auto' as const;\n  void checkTerms;\n",
      'an import that the rules of this node forbid',
    ],
    [
      "if (groupKey === undefined) throw new ServiceError('invalid', 'the public key is no point of its group');",
      'if (groupKey === undefined) throw new Error();',
      'a key that is no point',
    ],
    ['policyHash: importedPolicy };', 'policyHash: new Uint8Array(32) };', 'an imported key that looks like any other'],
  ]),
  ...cuts(folder, 'sign.ts', tests, [
    ['  if (mustRefresh(publicPackage))\n', '  if (false)\n', 'signatures with shares that the importer knows'],
  ]),
  ...cuts(folder, 'refresh-schedule.ts', tests, [
    [
      '    if (mustRefresh(packageOf(key, current, this.#workshop.tools))) return current.createdAt;\n',
      '',
      'a refresh that is not forced',
    ],
  ]),
  ...cuts(
    'packages/node/src',
    'node.ts',
    ['ceremonies/import.test.ts'],
    [
      ['  if (found !== publicKey)\n', '  if (false)\n', 'another key than the operator means'],
      ['scalar <= 0n || scalar >= group.order', 'false', 'what is no private key'],
      ['    } finally {\n      secret.wipe();\n    }\n', '    } finally {\n    }\n', 'a secret that stays in memory'],
    ],
  ),
];
