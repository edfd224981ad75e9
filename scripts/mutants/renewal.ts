import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/renewal';

export const renewal: readonly Mutant[] = [
  ...cuts(
    folder,
    'plan.ts',
    ['plan.test.ts'],
    [
      ['epoch <= base.epoch', 'false', 'an epoch that is over'],
      ['!Number.isSafeInteger(epoch) || ', '', 'half an epoch'],
      ['dealers.some((party, i) => party <= (dealers[i - 1] ?? 0))', 'false', 'a dealer twice'],
      ['dealers.length < base.threshold', 'false', 'fewer dealers than the threshold'],
      [
        "if (member === undefined) throw new RenewalInputError('quorum',",
        "if (false) throw new RenewalInputError('quorum',",
        'a dealer without a share',
      ],
      [
        '!group.equals(group.sumOfProducts(shares, weights), base.groupKey)',
        'false',
        'a base whose shares make another key',
      ],
      ['threshold < 2 || threshold > n', 'threshold > n', 'a threshold of one'],
      ['threshold > n || n > MAX_PARTIES', 'n > MAX_PARTIES', 'a threshold above n'],
      ['threshold > n || n > MAX_PARTIES', 'threshold > n', 'more members than a key has'],
      ['party === i + 1 && node.length === 32', 'node.length === 32', 'members out of order'],
      ['party === i + 1 && node.length === 32', 'party === i + 1', 'a short node key'],
      ['if (seats.length > MAX_PARTIES) throw', 'if (false) throw', 'more seats than a session has'],
      [
        'slice(0, i).some((other) => equal(other.node, node))',
        'slice(0, i).some(() => false)',
        'a node that sits twice',
      ],
      [
        '    deals: old.find((one) => equal(one.node, node))?.party,',
        '    deals: old.find((one) => one.party === party)?.party,',
        'a new node taken for the old one of its number',
      ],
      ['!isName(statement.name) || ', '', 'an imported key whose name is a path'],
      ['statement.baseEpoch !== 0 || ', '', 'an imported key with an epoch before it'],
      [' || statement.epoch < 1', '', 'an imported key without an epoch'],
    ],
  ),
  ...cuts(
    folder,
    'parameters.ts',
    ['plan.test.ts'],
    [
      ['if (seats.some(({ party }) => !receiveKeys.has(party))) {', 'if (false) {', 'a seat without a receive key'],
      ['if (!holdsReceiveKey(input, input)) {', 'if (false) {', "another's receive secret"],
      [
        'if ((dealer === undefined) !== (secret === undefined)) {',
        'if (false) {',
        'a share at a seat that deals nothing',
      ],
      [' && !isShareOf(group, secret, dealer.verifyingShare)', ' && false', 'our own share is of another epoch'],
    ],
  ),
  ...cuts(
    folder,
    'protocol.ts',
    ['attacks.test.ts', 'protocol.test.ts'],
    [
      ['if (isOutOfTurn(input, party, value)) blames', 'if (false) blames', 'a deal of somebody who is no dealer'],
      [
        'if (isPortionOutOfTurn(input, party, me, value)) blames',
        'if (false) blames',
        'a share under the hand, or none',
      ],
      ['party !== me && !provesCoefficients(input, party, value.value)', 'false', 'coefficients that nobody knows'],
      ["if (publicPackage === undefined) throw new Abort('deal', []);", '', 'a member whose share is zero'],
      ["    if (blames.length > 0) throw new Abort('verdict', blames);\n", '', 'verdicts that nobody reads'],
      ['    yield* broadcast(formats.return, {});\n', '', 'verdicts that differ from one seat to the next'],
      [
        '    for (const secret of dealing?.shares.values() ?? []) secret.wipe();\n',
        '',
        'shares for others stay in memory',
      ],
      ['if (!finished) share?.wipe();', '', 'a share of a failed ceremony stays in memory'],
      ['ascii(tags.renewalPolynomial), sid, ', 'ascii(tags.renewalPolynomial), ', 'one polynomial in two sessions'],
    ],
  ),
  ...cuts(
    folder,
    'outcome.ts',
    ['protocol.test.ts', 'attacks.test.ts'],
    [
      [
        'if (verifyingShares.some((one) => group.isIdentity(one))) return undefined;',
        '',
        'a verifying share that is the identity',
      ],
      [
        '.get(dealer) as Dealer).constant, ',
        '.get(dealer) as Dealer).verifyingShare, ',
        'a constant that is not weighted',
      ],
    ],
  ),
  ...cuts(
    folder,
    'rules.ts',
    ['rules.test.ts', 'attacks.test.ts'],
    [
      [
        'return dealers.has(from) !== (type',
        'return true || dealers.has(from) !== (type',
        'out of turn: a deal that was due',
      ],
      ['dealers.has(from) && to <= members.length', 'dealers.has(from)', 'a share for one that leaves'],
      [' && !provesCoefficients(parameters, accused, deal.value)', '', 'bad proof: a good one'],
      [
        "if (!parameters.dealers.has(accused) || deal?.type !== 'deal' ||",
        "if (deal?.type !== 'deal' ||",
        'bad share: of somebody who does not deal',
      ],
      [' && !judge(court, evidenceOf(parameters.group, verdict.value))', '', 'false complaint: a true one'],
      [' || !echoes(court, last, seen)', '', 'wrong outcome: deals that the accused did not see'],
      [' && !equal(outcomeDigest(parameters, outcome), verdict.value)', '', 'wrong outcome: the right one'],
      [
        'if (deal === undefined || isOutOfTurn(parameters, party, deal)) return false;',
        'if (deal === undefined) return false;',
        'wrong outcome: of dealers that did not deal',
      ],
    ],
  ),
  ...cuts(
    folder,
    'life.ts',
    ['life.test.ts'],
    [
      [
        '{ ...suite, h2: (input) => suite.group.reduceScalar(hash512(tags.lifeChallenge, input)) }',
        'suite',
        'a proof that is a signature',
      ],
      [
        'signers: publicPackage.members.map(({ party }) => party)',
        'signers: publicPackage.members.map(({ party }) => party).slice(0, publicPackage.threshold)',
        'a proof of t members only',
      ],
      [
        'hash(tags.lifeMessage, packageDigest(network, encode(publicPackageCodec(group), publicPackage)))',
        'hash(tags.lifeMessage, network, group.encodePoint(publicPackage.groupKey))',
        'a proof for another epoch',
      ],
      ['hash(tags.lifeSession, sid, transcript)', 'hash(tags.lifeSession, sid)', 'one session of two outcomes'],
    ],
  ),
  ...cuts(
    folder,
    'repair-parameters.ts',
    ['repair.test.ts'],
    [
      ['helpers.some((party, i) => party <= (helpers[i - 1] ?? 0))', 'false', 'a helper twice'],
      ['helpers.length < publicPackage.threshold', 'false', 'fewer helpers than the threshold'],
      ['!helpers.every((party) => parties.has(party))', 'false', 'a helper without a share'],
      ['!parties.has(lost) || helpers.includes(lost)', 'helpers.includes(lost)', 'a share for one that is no member'],
      ['!parties.has(lost) || helpers.includes(lost)', '!parties.has(lost)', 'a helper that lost its share'],
      ['!group.equals(interpolated, verifyingShare(publicPackage, lost))', 'false', 'a base that is on no polynomial'],
      [
        'if (repairParties(input).some((party) => !receiveKeys.has(party))) {',
        'if (false) {',
        'a party without a receive key',
      ],
      ['if (!holdsReceiveKey(input, input)) {', 'if (false) {', "another's receive secret"],
      ['if ((secret !== undefined) !== helpers.includes(me)) {', 'if (false) {', 'a helper without its share'],
      [
        'secret !== undefined && !isShareOf(group, secret, verifyingShare(publicPackage, me))',
        'false',
        'our own share is of another epoch',
      ],
      [
        '  return split.reduce((left, part) => group.add(left, group.negate(part)), term);',
        '  return split.reduce((left, part) => group.add(left, group.negate(part)), group.identity);',
        'parts that add up to anything',
      ],
    ],
  ),
  ...cuts(
    folder,
    'repair.ts',
    ['repair.test.ts'],
    [
      ['if (isPartsOutOfTurn(input, party, value)) blames', 'if (false) blames', 'parts of somebody who does not help'],
      [
        'if (isPartOutOfTurn(input, party, input.me, value)) blames',
        'if (false) blames',
        'a part under the hand, or none',
      ],
      [
        'portion !== undefined && isSumOutOfTurn(input, party, input.me, value, portion.value)',
        'false',
        'a sum under the hand, or none',
      ],
      [
        "if (value.type === 'complaint') blames.push(blameFor(",
        'if (false) blames.push(blameFor(',
        'a complaint that nobody reads',
      ],
      ['isSumCheckOutOfTurn(input, party, value) || ', '', 'a complaint of somebody who got no sum'],
      ['if (judge(court, evidence)) blames', 'if (true) blames', 'a complaint about a sum that proves nothing'],
      ['  judgeSums(input, dealt, sums, verdicts);\n', '', 'a complaint about a sum that nobody reads'],
      ['  for (const part of own?.parts.values() ?? []) secrets.use(part);\n', '', 'parts for others stay in memory'],
      ['[ascii(tags.repairSplit), sid, ', '[ascii(tags.repairSplit), ', 'one split in two sessions'],
    ],
  ),
  ...cuts(
    folder,
    'repair-rules.ts',
    ['rules.test.ts', 'repair.test.ts'],
    [
      ['helpers.includes(from) && helpers.includes(to)', 'helpers.includes(from)', 'a part for the lost party'],
      ["to === lost && check.type === 'satisfied'", "check.type === 'satisfied'", 'a sum for a helper'],
      ["to === lost && check.type === 'satisfied'", 'to === lost', 'a sum of somebody who complains'],
      ['from !== lost || !helpers', '!helpers', 'a complaint of somebody who got no sum'],
      [' && !judge(court, evidenceOf(parameters.group, check.value))', '', 'false complaint: a true one'],
      [
        'if (seen === undefined || !equal(seen, digestOf(check))) return false;',
        '',
        'a false complaint by a check that the accused did not see',
      ],
      [
        '  if (splitsIn(parameters, court, deals, check) === undefined) return false;\n',
        '',
        'a false complaint by parts that the helper did not see',
      ],
      ['  if (!echoes(court, check, deals)) return undefined;\n', '', 'parts that the helper did not see'],
      [
        'if (parts === undefined || isPartsOutOfTurn(parameters, party, parts)) return undefined;',
        'if (parts === undefined) return undefined;',
        'a bad sum of parts of a helper that did not split',
      ],
      [' || last?.to !== lost', '', 'a bad sum that was for somebody else'],
    ],
  ),
];
