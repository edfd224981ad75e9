import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['import.test.ts'];

export const imports: readonly Mutant[] = [
  ...cuts(folder, 'import.ts', tests, [
    ['  if (!importProposals.verify(proposal, signatures))\n', '  if (false)\n', 'an import that nobody signed'],
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
    'packages/protocol/src/frost',
    'zf.ts',
    ['zf.test.ts'],
    [
      [' || !hasOnly(parsed.fields, fieldNames)', '', 'fields that mean nothing here'],
      [
        "  if (!isRecord(header) || !hasOnly(header, ['version', 'ciphersuite']))",
        '  if (!isRecord(header))',
        'headers that say more',
      ],
      ["  if (header['version'] !== formatVersion) throw", '  if (false) throw', 'a format of the future'],
      ["  if (header['ciphersuite'] !== contextString)\n", '  if (false)\n', 'shares of another ciphersuite'],
      [' || minSigners < 2 ||', ' ||', 'a key of one party'],
      [' || minSigners > 0xffff)', ')', 'more signers than there can be'],
      ['!Number.isInteger(minSigners) || ', '', 'half a signer'],
      ['  if (identifier === 0n) throw', '  if (false) throw', 'the share of nobody, which is the key'],
      [
        "    throw new ZfError('bad-share', 'the signing share is not that of the verifying share');",
        '    void 0;',
        'a share that is none',
      ],
      ['one.minSigners !== minSigners || ', '', 'packages of two thresholds'],
      [' || !group.equals(one.verifyingKey, verifyingKey)', '', 'packages of two keys'],
      ['  if (ids.size !== packages.length) throw', '  if (false) throw', 'one party twice'],
      ['  if (packages.length < minSigners)\n', '  if (false)\n', 'too few packages'],
      ['  if (!group.equals(group.multiplyBase(key), verifyingKey))\n', '  if (false)\n', 'packages of two epochs'],
      ['!/^(?:[0-9a-f]{2})+$/.test(value)', 'false', 'other digits'],
    ],
  ),
  ...cuts(
    'packages/protocol/src/frost',
    'zf-share.ts',
    ['zf.test.ts'],
    [
      [" && JSON.stringify(fields) === text.replace(/[ \\t\\r\\n]/g, '')", '', 'a field twice'],
      [" && fields['signing_share'] === blankShare", '', 'a share that becomes a text'],
      [
        '  for (let i = quote + 1; i < end; i++) if (nibble(bytes, i) < 0) return undefined;\n',
        '',
        'a share in other digits',
      ],
    ],
  ),
  ...cuts(
    'packages/node/src/cli',
    'key-packages.ts',
    ['node-commands.test.ts'],
    [
      ['toHex(suite.encodePublic(verifyingKey)) === publicKey', 'false', 'a Taproot key that would be tweaked twice'],
      ['systemFiles.readPrivate(', 'systemFiles.read(', 'shares that others may read'],
    ],
  ),
  ...cuts(
    folder,
    'orders.ts',
    ['import.test.ts'],
    [
      ['  if (found !== publicKey)\n', '  if (false)\n', 'another key than the operator means'],
      ['scalar <= 0n || scalar >= group.order', 'false', 'what is no private key'],
    ],
  ),
  ...cuts(
    'packages/node/src',
    'node.ts',
    ['ceremonies/import.test.ts'],
    [['    } finally {\n      secret.wipe();\n    }\n', '    } finally {\n    }\n', 'a secret that stays in memory']],
  ),
];
