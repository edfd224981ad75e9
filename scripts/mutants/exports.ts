import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['export.test.ts'];
const protocol = 'packages/protocol/src/renewal';

export const exports: readonly Mutant[] = [
  ...cuts(folder, 'export.ts', tests, [
    [
      "if (!equal(network, config.networkId)) throw denied('the proposal is for another network');",
      '',
      'an export for another network',
    ],
    [
      'if (!exportProposals.verify(proposal, tools.signatures))',
      'if (false)',
      'a key for somebody who cannot sign for the member',
    ],
    ['  checkExpiry(proposal.expires, clock.now());\n', '', 'a proposal that has expired'],
    [
      "  if (config.export !== 'enabled') throw denied",
      '  if (false) throw denied',
      'an export that nobody switched on',
    ],
    ['if (proposal.epoch !== current.epoch || ', 'if (', 'another epoch'],
    [' || !equal(digest, packageDigest(network, encoded))', '', 'another package'],
    [' || !signers.includes(asker)', '', 'an export to nobody who takes part'],
    [' && signers.length >= publicPackage.threshold', '', 'too few shares'],
    ['const isQuorum = ascending && ', 'const isQuorum = ', 'signers out of order'],
    ['seated.length === signers.length && ', '', 'signers who are nobody'],
    ["throw new ServiceError('invalid', 'this node does not take part');", 'void 0;', 'an export that is not ours'],
    ['  if (bans.has(proposer)) throw denied', '  if (false) throw denied', 'a key for a banned member'],
    ["if (ruleFor(member.name, config) === 'deny')", 'if (false)', 'a key that the operator denies'],
    [
      "return { ...common, decision: 'ask' };",
      "return { ...common, decision: 'auto' };",
      'a key that leaves without an operator',
    ],
    ['    await keys.markExported(this.keyId);\n', '', 'an export that nobody remembers'],
    ["    await audit.append(clock.now(), 'key-exported', record);\n", '', 'an export that leaves no trace'],
    ['      clock.after(limits.exportKept, () => exports.drop(this.id));\n', '', 'a key that waits for ever'],
  ]),
  ...cuts(
    folder,
    'key-packages.ts',
    ['key-packages.test.ts'],
    [
      ["  if (config.export !== 'enabled')\n", '  if (false)\n', 'a share for other software that nobody switched on'],
      ["  if (scheme === 'ecdsa') throw", '  if (false) throw', 'a share that nobody can read'],
      [
        "  await failStop(audit.append(clock.now(), 'share-exported', fields), port.fatal);\n",
        '',
        'a share that leaves no trace',
      ],
      ['  await failStop(keys.markExported(keyId), port.fatal);\n', '', 'a share that nobody remembers has left'],
    ],
  ),
  ...cuts(
    'packages/node/src',
    'node.ts',
    ['standing/standings.test.ts'],
    [
      [
        '    this.#standings.expectWell();\n    return await ownKeyPackages',
        '    return await ownKeyPackages',
        'a share of a node that was rolled back',
      ],
    ],
  ),
  ...cuts(
    'packages/protocol/src/frost',
    'zf.ts',
    ['zf.test.ts'],
    [
      [
        '  if (!group.equals(group.multiplyBase(own), verifyingShare(publicPackage, party)))\n',
        '  if (false)\n',
        'the package of a share of another epoch',
      ],
      ["  if (scheme === 'ecdsa') throw", '  if (false) throw', 'a format that nobody knows'],
      [
        'offset === 0n ? scaled : group.add(scaled, group.multiplyBase(offset))',
        'scaled',
        'verifying shares without the tweak',
      ],
    ],
  ),
  ...cuts(folder, 'imports.ts', tests, [
    ['    this.#secrets.delete(toHex(request));\n', '', 'a key that is handed out twice'],
  ]),
  ...cuts(
    protocol,
    'export.ts',
    ['export.test.ts'],
    [
      [
        "    if (isPortionOutOfTurn(input, input.me, value)) blames.push(blame(party, 'out-of-turn', [envelope]));\n",
        '',
        'shares for whoever',
      ],
      [
        '    if (isComplaintOutOfTurn(input, party, value)) blames',
        '    if (false) blames',
        'complaints of those who got nothing',
      ],
      ['signers.length < publicPackage.threshold || ', '', 'a share for too few'],
      ['!signers.includes(asker) || ', '', 'a share for nobody'],
      [
        "    throw new RenewalInputError('share', 'the share does not belong to this epoch of the key');",
        '    void 0;',
        'a share of another epoch',
      ],
    ],
  ),
  ...cuts(
    protocol,
    'export-rules.ts',
    ['export.test.ts'],
    [
      [
        "return check?.type === 'complaint' && !judge(court, evidenceOf(parameters.group, check.value));",
        'return false;',
        'false complaints that nobody is blamed for',
      ],
    ],
  ),
  ...[
    ['export', '  await context.confirm(meaning, `Put the private key of ${name} together here?`, yes);\n'],
    ['package', '  await context.confirm(meaning, `Write the share of ${name} to a file?`, options.yes);\n'],
    ['ceremonies', '      await context.confirm(proposal.meaning'],
  ].map(([command = '', find = '']) => ({
    file: `packages/node/src/cli/commands/${command}.ts`,
    find,
    replace: find.endsWith('\n') ? '' : find.replace('await context', 'void context'),
    tests: ['packages/node/src/cli/node-commands.test.ts'],
    why: `a private key given away that nobody was asked about (${command})`,
  })),
];
