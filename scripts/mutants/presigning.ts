import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const room = `${folder}/presigning`;
const committee = 'presigning/presigning.test.ts';

export const presigning: readonly Mutant[] = [
  ...cuts(
    room,
    'pool.ts',
    ['pool.test.ts'],
    [
      [
        '    if (kept?.reserved !== toHex(request)) return undefined;\n    this.#kept',
        '    if (kept === undefined) return undefined;\n    this.#kept',
        'a presignature given to a request for which it was not kept',
      ],
      ['    this.#kept.delete(place);\n', '', 'a presignature given out twice'],
      [' && kept.reserved === undefined);', ');', 'a presignature kept for two requests'],
      ['kept.epoch === epoch && ', '', 'a presignature offered in another epoch'],
      [
        '      kept.signers.every(({ party }, i) => party === signers[i])\n',
        '      true\n',
        'a presignature used with other signers',
      ],
      [
        '      kept?.reserved === toHex(request) &&\n',
        '      kept !== undefined &&\n',
        'a Start that names what is kept for another request',
      ],
      ['      if (++kept.misses >= limits.presignatureMisses) this.#drop(id);\n', '', 'a pool that stays out of step'],
      [
        'this.#clock.after(limits.presignatureAge, () => this.#drop(id))',
        '() => undefined',
        'presignatures that never age',
      ],
      ['    kept?.presignature.wipe();\n', '', 'a dropped presignature stays in memory'],
      ['      presignature.wipe();\n', '', 'a presignature without a place stays in memory'],
      ['(keyId === undefined || equal(kept.keyId, keyId)) && ', '', 'one key loses what belongs to another'],
      [
        '    if (this.#kept.size >= limits.presignatures) this.#dropOldest([...this.#kept]);\n',
        '',
        'a pool that never changes once it is full',
      ],
      [
        ' || this.#of(keyId).length >= this.#perKey || this.#kept.size >= limits.presignatures',
        '',
        'a pool without bounds',
      ],
    ],
  ),
  ...cuts(
    folder,
    'presigning/presign.ts',
    [committee],
    [
      ['if (workshop.config.presignatures === 0) {', 'if (false) {', 'a node that keeps none makes some'],
      [
        'if (checked.members.length !== checked.publicPackage.threshold) {',
        'if (false) {',
        'presignatures with too many or too few',
      ],
    ],
  ),
  ...cuts(
    folder,
    'presigning/refill.ts',
    [committee],
    [
      [' || this.#port.busy()', '', 'presigning while somebody waits'],
      ['plan.rank > turn', 'plan.rank > 99', 'all members proposing at once'],
    ],
  ),
  ...cuts(
    folder,
    'admission.ts',
    [committee],
    [
      [' && !this.#presignings.spend(peer))', ' && false)', 'a member that keeps others busy with presigning'],
      ['.length >= limits.openPresignings', '.length >= 1_000', 'presignings without end open at once'],
    ],
  ),
  ...cuts(
    folder,
    'registering.ts',
    [committee],
    [
      [
        "task.kind === 'sign' && attempt === 1",
        "task.kind === 'sign'",
        'presignatures tried again and again after a failure',
      ],
      [
        "return presignatures.holds(task.id, start.presignature, parties) ? undefined : 'it names a presignature that is gone';",
        'return undefined;',
        'a Start by a presignature that is gone',
      ],
    ],
  ),
  ...cuts(
    folder,
    'sessions.ts',
    [committee],
    [
      [
        '    for (const node of nodes) this.#workshop.presignatures.dropWith(node);\n',
        '',
        'presignatures made with a cheat',
      ],
      [
        'task.exclusive && start.presignature.length === 0',
        'task.exclusive',
        'a pair burnt by a session that answers no check',
      ],
    ],
  ),
  ...cuts(
    folder,
    'pairs.ts',
    [committee],
    [
      [
        '    for (const { node } of others) presignatures.dropWith(node, this.keyId);\n',
        '',
        'presignatures of an old set-up',
      ],
    ],
  ),
  ...cuts(
    folder,
    'ceremonies.ts',
    [committee],
    [
      [
        '    this.#workshop.presignatures.dropWith(publicKeyOf(peer));\n',
        '',
        'presignatures of which another lost its part',
      ],
    ],
  ),
  ...cuts(
    folder,
    'book.ts',
    [committee],
    [["return task.kind === 'presign';", 'return false;', 'an operator shown what nobody asked for']],
  ),
  ...cuts(
    'packages/node/src/coordination',
    'gathering.ts',
    ['gathering.test.ts'],
    [
      [' && sameParties(theirs.signers, signers);', ';', 'a claim to what others made'],
      ['signers.length < need || ', '', 'fewer signers than sign'],
      ['!signers.every(fit)', 'false', 'a suspect seated by a presignature'],
      [
        'preferred && !mayBeOffered(after, advice)',
        'preferred',
        'an interactive session where a quick one was at hand',
      ],
      ['missing.length > 0 && missing.every(mayCome)', 'missing.length > 0', 'a wait for who is not there'],
    ],
  ),
  ...cuts(
    'packages/protocol/src/session',
    'start.ts',
    ['start.test.ts'],
    [
      [
        'if (start.presignature.length > 0 && without !== undefined) {',
        'if (false) {',
        'a presignature that was not offered',
      ],
      [
        '    signers.every((signer, i) => signer === participants[i]?.party)\n',
        '    true\n',
        'a presignature offered to others',
      ],
    ],
  ),
];
