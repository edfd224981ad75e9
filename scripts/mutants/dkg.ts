import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/dkg';

export const dkg: readonly Mutant[] = [
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
      [' || !verifyShare(group, revealed.value.coefficients, BigInt(me), share)', '', 'a share off the polynomial'],
      ["if (publicPackage === undefined) throw new Abort('reveal', []);", '', 'sharings that cancel out'],
      ['if (judge(court, evidence)) blames', 'if (true) blames', 'a complaint that proves nothing'],
      ['party !== input.me && !equal(verdict.value, outcome)', 'false', 'a member that confirms another outcome'],
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
      ['if (!valid) return false;', '', 'bad share: an opening without proof'],
      [' || !verifyShare(group, revealed.coefficients, BigInt(recipient), value)', ' || true', 'bad share: a good one'],
      [
        ' && !judge(court, evidenceOf(parameters, verdict.value.dealer, verdict.value))',
        '',
        'false complaint: a true one',
      ],
      [
        'if (seen.length !== n || !seen.every((digest, i) => equal(digest, revealed[i] as Uint8Array))) return false;',
        '',
        'wrong outcome: reveals that the accused did not see',
      ],
      [' && !equal(outcomeDigest(parameters, outcome), verdict.value)', '', 'wrong outcome: the right one'],
      ['exhibit?.from === from && exhibit.round', 'exhibit?.round', 'the exhibit of another'],
      [' && exhibit.round === roundIndex[label]', '', 'an exhibit of another round'],
      [
        'share === undefined || readers(parameters, accused).share(share) === undefined',
        'share === undefined',
        'wrong outcome: the share of another',
      ],
    ],
  ),
];
