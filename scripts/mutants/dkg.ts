import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/dkg';
const tests = ['dkg/attacks.test.ts', 'dkg/protocol.test.ts', 'dkg/rules.test.ts'];

export const dkg: readonly Mutant[] = [
  ...cuts('packages/protocol/src', 'dealing/shares.ts', tests, [
    [
      ' && isLogarithm(group, share, dealing.expected(dealer, said, me)) ? share',
      ' ? share',
      'a share off the polynomial',
    ],
    ['if (!valid) return false;', '', 'bad share: an opening without proof'],
    [' || !isLogarithm(group, share, dealing.expected(dealer, said, recipient))', ' || true', 'bad share: a good one'],
    ['secret < group.order && group.equals(group.multiplyBase(secret), key)', 'true', "another's receive secret"],
  ]),
  ...cuts('packages/protocol/src', 'dealing/verdicts.ts', tests, [
    ['return judge(court, evidence)\n', 'return true\n', 'a complaint that proves nothing'],
    ['party !== me && !equal(verdict.value, outcome)', 'false', 'a member that confirms another outcome'],
  ]),
  ...cuts(
    'packages/protocol/src',
    'session/court.ts',
    [...tests, 'dkls23/sign.attacks.test.ts'],
    [
      ['exhibit?.from === from && exhibit.round === round', 'exhibit?.round === round', 'the exhibit of another'],
      [
        ' && exhibit.round === round && exhibit.class === kind',
        ' && exhibit.class === kind',
        'an exhibit of another round',
      ],
    ],
  ),
  ...cuts(
    folder,
    'protocol.ts',
    ['attacks.test.ts', 'protocol.test.ts'],
    [
      [
        'if (!equal(committed.value.commitment, commitmentTo(input, party, value))) {',
        'if (false) {',
        'a reveal that was not committed to',
      ],
      [
        '} else if (!provesCoefficients(input, party, value)) {',
        '} else if (false) {',
        'coefficients that nobody knows',
      ],
      ["if (publicPackage === undefined) throw new Abort('reveal', []);", '', 'sharings that cancel out'],
      ['    judgeVerdicts(input, outcome, reveals, shares, verdicts);\n', '', 'verdicts that nobody reads'],
      ['    yield* broadcast(formats.return, {});\n', '', 'verdicts that differ from one member to the next'],
      ['    for (const secret of dealing.shares.values()) secret.wipe();\n', '', 'shares for others stay in memory'],
      ['if (!finished) share?.wipe();', '', 'a share of a failed ceremony stays in memory'],
    ],
  ),
  ...cuts(
    folder,
    'rules.ts',
    ['rules.test.ts', 'attacks.test.ts'],
    [
      [
        'return !equal(committed.commitment, commitmentTo(parameters, accused, revealed));',
        'return true;',
        'wrong opening: a right one',
      ],
      [' && !provesCoefficients(parameters, accused, revealed)', '', 'bad proof: a good one'],
      [' && !judge(court, evidenceOf(parameters.group, verdict.value))', '', 'false complaint: a true one'],
      ['  if (!echoes(court, share, seen)) return false;\n', '', 'wrong outcome: reveals that the accused did not see'],
      [' && !equal(outcomeDigest(parameters, outcome), verdict.value)', '', 'wrong outcome: the right one'],
      [
        'share === undefined || readers(parameters, accused).share(share) === undefined',
        'share === undefined',
        'wrong outcome: the share of another',
      ],
    ],
  ),
];
