import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['repair.test.ts'];

export const repair: readonly Mutant[] = [
  ...cuts(folder, 'repair.ts', tests, [
    [
      "if (!equal(network, config.networkId)) throw denied('the proposal is for another network');",
      '',
      'a repair for another network',
    ],
    [
      'if (!repairProposals.verify(proposal, tools.signatures))',
      'if (false)',
      'a share for somebody who cannot sign for the member',
    ],
    ['  checkExpiry(proposal.expires, clock.now());\n', '', 'a proposal that has expired'],
    ["if (lost === undefined) throw denied('the proposer has no share of this key');", '', 'a share for a stranger'],
    [
      "throw new ServiceError('invalid', 'the helpers are no quorum of the other members');",
      'void 0;',
      'too few helpers',
    ],
    [
      'const ascending = helpers.every((party, i) => party > (helpers[i - 1] ?? 0));',
      'const ascending = true;',
      'helpers out of order',
    ],
    [' || others.length !== helpers.length', '', 'helpers who are nobody, or the asker'],
    [' || helpers.length < publicPackage.threshold', '', 'helpers below the threshold'],
    [
      "throw new ServiceError('invalid', 'this node is not among the helpers');",
      'void 0;',
      'a repair that is not ours to help',
    ],
    ['return newer.expires >= this.expires;', 'return false;', 'a repair that a forgotten one keeps from beginning'],
    ['return newer.expires >= this.expires;', 'return true;', 'an old proposal in the place of a newer one'],
    ['  if (bans.has(proposer)) throw denied', '  if (false) throw denied', 'help for a banned member'],
    ["  if (rule === 'deny') throw denied", '  if (false) throw denied', 'help that the operator forbade'],
    [
      'return { ...common, decision: rule };',
      "return { ...common, decision: 'auto' };",
      'an operator who is not asked',
    ],
    [
      'if (asked === undefined || !equal(asked, current.publicPackage))',
      'if (asked === undefined)',
      'a repair of another epoch',
    ],
    ["      await audit.append(clock.now(), 'repair-helped', record);\n", '', 'help that leaves no trace'],
  ]),
  ...cuts(folder, 'proposals.ts', tests, [
    ['    if (error instanceof ServiceError)\n', '    if (false)\n', 'refusals that leave no trace'],
  ]),
  ...cuts(folder, 'repairs.ts', tests, [
    ['if (!members.some(({ node }) => this.#port.peerOf(node) === peer)) return;', '', 'certificates for strangers'],
    ['    if (this.#budgets.spend(peer)) this.#port.send', '    this.#port.send', 'certificates without end'],
    ['    if (!(await this.#isLost(publicPackage)))\n', '    if (false)\n', 'a repair of what is not lost'],
    ['    this.#checkKey(name, publicPackage, publicKey);\n', '', 'a key that nobody can tell is the right one'],
    [
      'const isSame = left === undefined || (known !== undefined',
      'const isSame = true || (known !== undefined',
      'another key than the one that was here',
    ],
    ['(publicKey === undefined || publicKey === keyOf(publicPackage))', 'true', 'another key than the operator names'],
    ['peerOf, able: users, tries }', 'peerOf, tries }', 'helpers who lost their shares, too'],
    ['peerOf, able: users, tries }', 'peerOf, able: users }', 'a helper that spoils one attempt after the other'],
    [
      "epochs.findLast((one) => one.state !== 'shredded' || one.certificate !== undefined)",
      'epochs.at(-1)',
      'an epoch whose share was lost before it was certified, and that nobody misses',
    ],
  ]),
  ...cuts(folder, 'repairs.ts', tests, [
    [
      'this.#show(question.newest, question.takeBehind());',
      'void 0;',
      'a certificate that one kept back, and that others do not hear of',
    ],
    [
      'if (newest !== undefined) this.#showOthers(newest);',
      'void 0;',
      'a certificate that one kept back, for those who have no other',
    ],
    ['(keyId) => knownOf(keys.get(keyId))', '() => []', 'a certificate that too few wanted, in place of a good one'],
    ['users.has(peer) ||', '', 'waiting for those who answered'],
  ]),
  ...cuts(
    folder,
    'question.ts',
    ['question.test.ts'],
    [
      ['packages.reverse()', 'packages', 'an old certificate in place of the newest'],
      [
        'users.size >= publicPackage.threshold',
        'users.size > 0',
        'a repair of an epoch that one alone says is in use, before one that enough use',
      ],
      [' && !isSame(this.#shown.get(peer), newest.publicPackage)', '', 'showing without end'],
      [' || newest.users.has(peer)', '', 'approvals that are taken back by who has no more to say'],
      [' || !this.asked.includes(peer)', '', 'words of who was not asked'],
      [' && equal(publicPackage.transcript, transcript)', '', 'words about another attempt'],
      [
        'for (const certificate of certificates) {',
        'for (const certificate of [first]) {',
        'a certificate without the approvals that others sent',
      ],
      [' || approvals.size === MAX_PARTIES', '', 'a certificate that does not encode'],
    ],
  ),
  ...cuts(folder, 'certified.ts', tests, [
    [
      'return base === undefined ? publicPackage : verifySuccession(certificate, base, context);',
      'return publicPackage;',
      'a certificate that too few wanted, where it is known who had a say',
    ],
    ['if (error instanceof CertificateError) return current.epoch;', 'void 0;', 'a node that does not start'],
  ]),
  ...cuts(folder, 'repair.ts', tests, [
    [
      'return certifiedIn(proposal, workshop);',
      'return certifiedIn(proposal, { ...workshop, keys: { get: () => undefined } as never });',
      'help with a certificate that nobody believes',
    ],
  ]),
  ...cuts(folder, 'activations.ts', tests, [
    ['if (error instanceof CertificateError) return undefined;', 'void 0;', 'an old certificate that stops the node'],
  ]),
  ...cuts(
    'packages/node/src',
    'node.ts',
    ['ceremonies/repair.test.ts'],
    [['    node.#quarantineUnwanted();\n', '', 'a certificate on the disk that nobody would believe']],
  ),
  {
    file: 'packages/storage/src/doctor.ts',
    find: 'keys.quarantine(key.keyId, epoch);',
    replace: 'void epoch;',
    tests: [`${folder}/repair.test.ts`],
    why: 'a certificate on the disk that doctor does not name',
  },
  ...cuts(folder, 'admission.ts', tests, [
    [' && !this.#repairs.spend(peer))', ' && false)', 'repairs without end'],
    [
      "const isSpent = task.kind === 'repair' || ",
      'const isSpent = ',
      'an attempt that its proposer gave up, begun again by others',
    ],
  ]),
  ...cuts(folder, 'epoch-changes.ts', tests, [
    [
      "    if (entry.task.kind !== 'renew' || entry.task instanceof ReshareTask) this.#port.decline(entry, reason);\n",
      '',
      'an asker that is not told that the key moved on',
    ],
  ]),
  ...cuts(folder, 'activations.ts', tests, [
    [
      '    if (info.certificate !== undefined) this.#machines.delete(placeOf(keyId, epoch));\n',
      '',
      'a repaired share that is not taken up',
    ],
  ]),
  ...cuts(
    'packages/storage/src/keys',
    'repository.ts',
    ['salvage.test.ts'],
    [
      ['    check(repaired.share, repaired.publicPackage);\n', '', 'a share that does not fit in the place of another'],
      [
        '        if ((info(whole).current?.epoch ?? 0) > epoch)\n',
        '        if (false)\n',
        'an old share in the place of a new one',
      ],
      [
        "      await records.purge(salvaged.filter(({ type }) => type === 'delete'));\n",
        '',
        'a forgotten share in the files of the database',
      ],
      [
        '          await this.#copies.erase(fromHex(id), epoch);\n      }',
        '          void epoch;\n      }',
        'the copy of a shredded share while its key is quarantined',
      ],
      [
        "record.state.type === 'shredded' && !(await",
        '!(await',
        'the copy of a share that is in use, or may be certified yet',
      ],
      [' && !(await this.#hasSecrets(fromHex(id), epoch))', '', 'the copy of a share for a record that was put back'],
    ],
  ),
  ...cuts(
    'packages/storage/src/keys',
    'salvage.ts',
    ['salvage.test.ts'],
    [
      [
        'puts.push(lostEpoch(keyring, repaired, number));',
        'void lostEpoch;',
        'another outcome under a number whose record was lost',
      ],
      ['...(isHidden ? [last] : [])', '', 'a number that was lost without a trace'],
      ['number > epoch && number <= last && ', 'number > epoch && ', 'a number on the disk that nobody can reach'],
      [
        '  await copies.eraseOthers(keyId, known);\n',
        '',
        'the copy of a forgotten share, or one that contradicts the repaired share',
      ],
      ['name, scheme, frozen, exported };', 'name, scheme, frozen: 0, exported };', 'a freeze that a repair lifts'],
      ['name, scheme, frozen, exported };', 'name, scheme, frozen, exported: 0 };', 'a mark that a repair takes away'],
      [
        '    const shredded: EpochRecord = {',
        '    if (Math.abs(1) === 1) return [];\n    const shredded: EpochRecord = {',
        'an epoch number that comes back',
      ],
    ],
  ),
];
