import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const rules = ['reshare-rules.test.ts'];
const departures = ['departures.test.ts'];
const overtaking = ['overtaking.test.ts'];

export const reshare: readonly Mutant[] = [
  ...cuts(
    'packages/protocol/src',
    'keys.ts',
    ['keys.test.ts'],
    [
      ['|| isTwice ', '', 'a made-up key of which one node is all members'],
      [' || epoch <= baseEpoch', '', 'a made-up key that was dealt from its own epoch'],
      [' || !isTweakable', '', 'a made-up key whose public key cannot be reckoned'],
    ],
  ),
  ...cuts(folder, 'sessions.ts', rules, [
    [
      '      if (!(error instanceof InputError)) throw error;\n',
      '      throw error;\n',
      'a node that a proposal of the impossible stops before it begins',
    ],
    ['      if (!(error instanceof InputError)) throw error;\n', '', 'a bug that is survived'],
    [
      '    if (court === undefined) return host.close();\n',
      '    if (court === undefined) return;\n',
      'secrets of a session that never began',
    ],
  ]),
  ...cuts(
    folder,
    'sessions.ts',
    ['reshare.test.ts'],
    [
      [
        "    if (isOver(entry.ceremony) && entry.task.kind !== 'presign') this.#port.decline(entry, event.reason);\n",
        '',
        'members that wait for an hour for an attempt that failed',
      ],
    ],
  ),
  ...cuts(folder, 'activations.ts', departures, [
    [
      'return info !== undefined && hasShare(info) && !this',
      'return info !== undefined && !this',
      'READY for a share that was given up to join',
    ],
  ]),
  ...cuts(
    folder,
    'admission.ts',
    ['reshare.test.ts'],
    [
      [
        "task.kind === 'repair' || (task.kind !== 'sign' && state.participants.length > 0)",
        "task.kind === 'repair'",
        'an attempt begun again where it failed in its only session',
      ],
    ],
  ),
  ...cuts(folder, 'reshare-rules.ts', rules, [
    ['if (!reshareProposals.verify(proposal, tools.signatures))', 'if (false)', 'a proposal that nobody signed'],
    ['  checkExpiry(proposal.expires, clock.now());\n', '', 'a proposal that has expired'],
    ["throw denied('the proposer has no share of this key');", 'void 0;', 'a proposal of a stranger to the key'],
    [
      '  checkNumber(epoch, name, Math.max(highest, workshop.standings.floor), clock.now());\n',
      '',
      'a number that returns, and one at the end',
    ],
    [
      'renewal.checkReshare(groupOf(base.scheme, tools.groups), { ...proposal, base })',
      'renewal.seatsOf({ ...proposal, base })',
      'a made-up key whose shares do not fit',
    ],
    [
      "if (!seats.some(({ node }) => equal(node, own.publicKey))) throw invalid('this node has no part in it');",
      '',
      'a ceremony of others',
    ],
    ['if (!isHolder && !config.purposes', 'if (false && !config.purposes', 'a key for what this node does not hold'],
    [
      'if (pin !== undefined && pin !== publicKeyOf(base, workshop)) {',
      'if (false) {',
      'a key that is not the pinned one',
    ],
    [
      'if (base.name === key && equal(base.keyId, keyIdOf(workshop.config.networkId, key))) return base;',
      'return base;',
      'another key',
    ],
    ['if (!equal(current.publicPackage, base.publicPackage)) {', 'if (false) {', 'an epoch that is no longer in use'],
    ['if (wasJustDealt(key, clock.now()) &&', 'if (false &&', 'one after another'],
    ['if (isStale) throw', 'if (false) throw', 'who left lured back into an epoch that is over'],
    ['if (!isSame || !key.epochs.every(', 'if (false && !key.epochs.every(', 'a second key of a name'],
    ["if (rule === 'deny') throw", 'if (false) throw', 'a proposer whom the operator denies'],
    [
      "lowThreshold === 1 || isStuck ? 'ask' : rule",
      "isStuck ? 'ask' : rule",
      'a low threshold that nobody is asked about',
    ],
  ]),
  ...cuts(folder, 'reshare.ts', rules, [
    [
      'if (publicKey === undefined && this.#approved.isUnpinned) {',
      'if (false) {',
      'who joins need not know which key it is',
    ],
    [
      'if (publicKey !== undefined && publicKey !== publicKeyOf(this.#approved.base, this.#workshop)) {',
      'if (false) {',
      'an operator who names another key',
    ],
  ]),
  ...cuts(folder, 'reshare.ts', rules, [
    [' && newer.expires > this.expires;', ';', 'an earlier proposal, said again, in the place of a later one'],
  ]),
  ...cuts(folder, 'activations.ts', departures, [
    [
      '        await this.#machines.get(place)?.turn;\n',
      '',
      'an attempt given up for another while its own certificate is written down',
    ],
    [
      '    else if (hasShare(info)) this.#machine',
      '    else this.#machine',
      'an approval of what has happened meanwhile',
    ],
  ]),
  ...cuts(
    folder,
    'refresh.ts',
    ['withholding.test.ts'],
    [
      [
        '  if (stuck !== undefined) throw denied(stuck);\n',
        '',
        'attempts without end at a renewal that one member withholds',
      ],
      [
        '    if (!(newer instanceof RefreshTask)) return true;\n',
        '    if (!(newer instanceof RefreshTask)) return false;\n',
        'a refresh that nobody begins in the way of a reshare',
      ],
    ],
  ),
  ...cuts(
    folder,
    'reshare-plan.ts',
    ['withholding.test.ts'],
    [
      [', threshold }) && !plan.isStuck', ', threshold })', 'a key that nobody can renew any more'],
      [', threshold }) && !plan.isStuck', ', threshold }) && false', 'a reshare that changes nothing'],
    ],
  ),
  ...cuts(
    folder,
    'reshare-rules.ts',
    ['withholding.test.ts'],
    [
      [
        "lowThreshold === 1 || isStuck ? 'ask'",
        "lowThreshold === 1 ? 'ask'",
        'more attempts than eight without an operator',
      ],
      [' && !wasRefreshed(key, current)', '', 'a member that is never left behind because it refreshes all the time'],
    ],
  ),
  ...cuts(
    folder,
    'admission.ts',
    ['withholding.test.ts'],
    [
      [
        ' || (isPending && newer.proposer !== undefined && task.leavesOut(newer.proposer));',
        ' || (isPending && newer.proposer === undefined && task.leavesOut(newer.body));',
        'a member that refreshes so that no reshare without it begins',
      ],
    ],
  ),
  ...cuts(folder, 'admission.ts', overtaking, [
    [
      " || (name === 'confirming' && now < task.expires);",
      ';',
      'a refresh that whoever is left out prepares while the certificate is on its way',
    ],
    [
      "(name === 'confirming' && now < task.expires)",
      "name === 'confirming'",
      'a reshare that nobody certifies, and no refresh any more',
    ],
    [
      ' && !newer.leavesOut(task.proposer);',
      ';',
      'a reshare that runs without end in the way of one without its proposer',
    ],
    ['isRefreshing(other) && !newer.leavesOut', 'false && !newer.leavesOut', 'two reshares at once, for nothing'],
    [
      'task.keyName === name && task.epoch === epoch)',
      'task.keyName === name && task.epoch !== epoch)',
      'a member that reshares so often that no reshare without it begins',
    ],
  ]),
  ...cuts(folder, 'reshare-rules.ts', overtaking, [
    [' && !leavesOut) {', ') {', 'whoever has just reshared is not left behind'],
    ['!members.some(({ node }) => equal(node, last));', 'members.length > 0;', 'no pause between two reshares'],
  ]),
  ...cuts(folder, 'epoch-changes.ts', overtaking, [
    [
      '      this.#overtake(entry, reason);\n      this.#port.decline(entry, reason);\n',
      '',
      'a refresh that is prepared first, and takes the number of a reshare',
    ],
    [
      'return task.base !== epoch && (task.epoch === epoch || !isPrepared(entry));',
      'return false;',
      'a renewal that goes on when what it deals from is in use no more',
    ],
    [
      ' && info !== undefined && comesTo(entry, info)) this.#finish(entry);',
      ') this.#finish(entry);',
      'a reshare that is said to be done when another one was',
    ],
  ]),
  ...cuts(folder, 'overtaking.ts', overtaking, [
    [
      "    throw new ServiceError('expired', `the key ${base.name} is about to go to another committee`);\n",
      '    return;\n',
      'a reshare prepared after one without its proposer, to undo it',
    ],
    [
      'if (isHolder ? usable(key, base.name).epoch !== base.epoch : key?.current !== undefined) throw moved;',
      'void [isHolder, usable];',
      'a share dealt from an epoch that is in use no more',
    ],
  ]),
  ...cuts(folder, 'prepared.ts', overtaking, [
    ['    () => task.expectCurrent?.(),\n', '', 'a refresh prepared after the reshare that overtook it'],
  ]),
  ...cuts(
    folder,
    'activations.ts',
    ['withholding.test.ts'],
    [
      [
        '        if (keys.get(keyId)?.current?.epoch !== epoch) return;\n',
        '',
        'an epoch that is said to be in use and never was',
      ],
    ],
  ),
  ...cuts(
    folder,
    'ages.ts',
    [...departures, 'refresh.test.ts'],
    [
      [
        'Math.max(this.#clock.now() - createdAt, now - asked)',
        'this.#clock.now() - createdAt',
        'an epoch that stays young for years',
      ],
    ],
  ),
  ...cuts(folder, 'departures.ts', departures, [
    [
      '      if (!equal(transcript, certified)) return;\n',
      '',
      'shares of who left shredded for ACTIVATED of another attempt',
    ],
    ['chain.length < limits.correctedEpochs', 'chain.length < 2', 'a member that knows nothing of the epochs between'],
    [
      'key.epochs.filter(({ epoch }) => epoch',
      'key.epochs.filter(({ certificate, epoch }) => certificate !== undefined && epoch',
      'a share of an attempt that came to nothing, for good',
    ],
    [
      'if (winner === undefined || certified',
      'if (certified.length >= 0 || certified',
      'a share of an attempt whose number another one has, for good',
    ],
    [' && this.#corrections.spend(peer))', ')', 'certificates by the hundred for whoever promises'],
    ['        this.#port.shredding(key.keyId, old.epoch);\n', '', 'READY for a share that was destroyed'],
    [
      '    if (isOther && !(await this.#port.superseded(keyId, epoch))) return;\n',
      '',
      'READY for an attempt whose number another one has',
    ],
    [
      "(state === 'approved' || state === 'prepared' || state === 'shredded')",
      "state === 'approved'",
      'a member that an attempt with the number of another leaves behind',
    ],
    [
      'verifySuccession(certificate, base, contextOf(this.#workshop));',
      'void [verifySuccession, base, contextOf];',
      'a certificate that the old committee does not want',
    ],
    [
      'if (!isSibling || this.#ages.of(key.keyId, newest) >= limits.retirementGrace) return undefined;',
      'if (!isSibling) return undefined;',
      'a committee of long ago that destroys the key of today',
    ],
    [
      'if (member === undefined || this.#port.peerOf(member.node) !== peer) return;',
      'if (member === undefined) return;',
      'ACTIVATED said in the name of another, to who left',
    ],
    [
      '      if (!mayShred(retirement, age, limits.retirementGrace)) continue;\n',
      '',
      'shares of who left shredded while nobody knows',
    ],
    ['        await keys.shred(key.keyId, old.epoch);\n', '', 'shares of who left that stay'],
    ['      this.#approve(key, peer);\n', '', 'an approval that a crash loses'],
    [
      "    if (promises && certificate !== undefined) this.#port.send(peer, { type: 'certificate', value: certificate });\n",
      '',
      'who left with an epoch that nobody tells it was certified',
    ],
    [
      '    for (const later of key.epochs) if (later.epoch > epoch) this.#tell(key, later, peer);\n',
      '',
      'who left with an epoch that others have destroyed',
    ],
  ]),
  ...cuts(
    folder,
    'epoch-changes.ts',
    ['reshare.test.ts'],
    [['      heirs.filter((peer) => !known.includes(peer)),\n', '      [],\n', 'orders that nobody hands over']],
  ),
];
