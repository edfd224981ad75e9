import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/dkls23';
const multiplication = ['multiplication.test.ts', 'extension.test.ts'];
const setup = ['pair-setup.test.ts', 'pair-attacks.test.ts'];
const signing = ['sign.guards.test.ts', 'sign.attacks.test.ts', 'sign.test.ts'];

export const dkls23: readonly Mutant[] = [
  ...cuts(folder, 'extension.ts', multiplication, [
    ['if (message.length !== suite.requestBytes) throw', 'if (false) throw', 'a request of another length'],
    ['const accepted = equal(', 'const accepted = true || equal(', 'the consistency check of the extension'],
    ['u16(run.alice), u16(run.bob), run.bobNonce, aliceNonce', 'run.bobNonce, aliceNonce', 'a run of other parties'],
    ['run.bobNonce, aliceNonce, ...binding', 'aliceNonce, ...binding', "a run without Bob's nonce"],
    ['aliceNonce, ...binding', '...binding', "a run without Alice's nonce"],
    ['aliceNonce, ...binding', 'aliceNonce', 'a run of another request'],
    [
      'hash(tags.oteExpansion, run.sid, u16(run.alice), u16(run.bob), run.bobNonce)',
      'hash(tags.oteExpansion, run.sid, u16(run.alice), u16(run.bob))',
      'seeds expanded alike in two runs',
    ],
    ['hash(tags.oteExpansion, run.sid, u16', 'hash(tags.oteExpansion, u16', 'seeds expanded alike in two sessions'],
    [
      'hash(tags.oteChallenge, rowsDigest, Uint8Array.of(m))',
      'hash(tags.oteChallenge, Uint8Array.of(m))',
      'a challenge known beforehand',
    ],
    ['randomness.bytes(BLOCK_BYTES)', 'new Uint8Array(BLOCK_BYTES)', 'a check that gives choices away'],
  ]),
  ...cuts(folder, 'multiplication.ts', multiplication, [
    ['if (message.length !== suite.answerBytes) throw', 'if (false) throw', 'an answer of another length'],
    ['if (!areCanonical(own.subarray(0, digestAt))) throw', 'if (false) throw', 'scalars above the order'],
    ['while (b === 0n)', 'while (false)', 'a factor of zero'],
    [
      "return equal(digest, answered.digest) ? sums.map(reduce) : 'cheat';",
      'return sums.map(reduce);',
      'an Alice who multiplies two factors',
    ],
    ['  choices.wipe();\n', '', 'choices that stay in memory'],
    ['  columns.wipe();\n', '', 'columns that stay in memory'],
    ['if (inputs.length !== ELL) throw', 'if (false) throw', 'another number of factors'],
    ['const own = new Uint8Array(message);', 'const own = message;', 'a message that changes while it is read'],
    ['hash512(tags.rvoleChallenge, maskedDigest,', 'hash512(tags.rvoleChallenge,', 'a challenge known beforehand'],
    ['k < rho; k++', 'k < 1; k++', 'a check of half the strength'],
  ]),
  ...cuts(
    folder,
    'scalars.ts',
    ['scalars.test.ts'],
    [['load(view, offset) >= order', 'load(view, offset) > order', 'the order as a scalar']],
  ),
  ...cuts(folder, 'gadget.ts', multiplication, [
    ['tags.rvoleGadget, pairSid, u16(j)', 'tags.rvoleGadget, u16(j)', 'one gadget for all pairs'],
  ]),
  ...cuts(
    folder,
    'base-ot.ts',
    ['base-ot.test.ts', 'pair-attacks.test.ts'],
    [
      ['  if (faulty >= 0) return { faulty: faulty >> 1 };\n', '', 'points that give Bob the identity'],
      [
        'if (scalar === 0n || !group.equals(sum, group.multiplyBase(scalar))) return undefined;',
        '',
        'a transfer opened to a key that was not chosen',
      ],
      ['scalar === 0n || ', '', 'a transfer opened with zero'],
      [
        'hash(tags.baseOtSession, session, alice, bob)',
        'hash(tags.baseOtSession, alice, bob)',
        'transfers of another session',
      ],
      [
        'hash(tags.baseOtSession, session, alice, bob)',
        'hash(tags.baseOtSession, session, bob)',
        'transfers of another Alice',
      ],
      [
        'hash(tags.baseOtKey, sid, Uint8Array.of(i, choice), key, pair, x)',
        'hash(tags.baseOtKey, sid, key, pair, x)',
        'one key for all transfers',
      ],
      ['concat(sid, Uint8Array.of(i, choice), point)', 'concat(sid, point)', 'points hashed alike for both choices'],
    ],
  ),
  ...cuts(
    folder,
    'pprf.ts',
    ['pprf.test.ts'],
    [
      ['const fits = equal(', 'const fits = true || equal(', 'trees that are not of one piece'],
      ['    if (!fits) faulty.push(g);\n', '', 'trees that do not fit are used'],
      [
        'hash512(tags.pprfDouble, sid, u16(g), Uint8Array.of(b), u16(y)',
        'hash512(tags.pprfDouble, u16(g), Uint8Array.of(b), u16(y)',
        'trees of another session',
      ],
      [
        'hash512(tags.pprfLeaf, sid, u16(g), u16(y)',
        'hash512(tags.pprfLeaf, u16(g), u16(y)',
        'leaves of another session',
      ],
    ],
  ),
  ...cuts(folder, 'pair-setup.ts', setup, [
    [
      'if (!isAnnounced(work, direction, own, theirs, announced, value)) {',
      'if (false) {',
      'points that were not announced',
    ],
    [
      "if ('faulty' in completed) accuse(encode(u16, completed.faulty));\n      else ",
      "if (!('faulty' in completed)) ",
      'an Alice who made her points the identity',
    ],
    ['  yield* broadcast(formats.agreed, {});\n', '', 'material kept by some and not by others'],
    ['if (!ascending || members.length < 2 || ', 'if (members.length < 2 || ', 'members twice'],
    [' || !members.some(({ party }) => party === me)', '', 'a set-up without ourselves'],
    [
      'if (own === undefined || members.some(({ party }) => !receiveKeys.has(party))) {',
      'if (own === undefined) {',
      'a member without receive key',
    ],
    [
      'if (!group.equals(group.multiplyBase(receiveScalar(input)), own)) {',
      'if (false) {',
      'a receive secret that is not ours',
    ],
    [
      '    if (asAlice !== undefined) secrets.adopt(asAlice, wipeReceiverSet);\n',
      '',
      'stocked transfers stay in memory',
    ],
  ]),
  ...cuts(folder, 'rules.ts', setup, [
    [
      'if (!echoes(parameters, third as Envelope, first as Envelope)) return false;',
      '',
      'offers that Alice did not see',
    ],
    ['if (!echoes(parameters, second as Envelope, first as Envelope)) return false;', '', 'sets that Bob did not see'],
    [
      'if (!isAnnounced(parameters, direction, offer, ownOffer, set, points)) return true;',
      'return true;',
      'wrong points: right ones',
    ],
    ['transfer < baseOts(parameters.suite) &&', 'true &&', 'a transfer that there is not'],
    [' || !equal(set, baseOtSetId(group, context, exchange))', '', 'another set than the trees were built of'],
    ['g >= suite.groups || ', '', 'a group that there is not'],
    ['if (opened.choice > 1) return false;', '', 'a choice that is no bit'],
    [
      'if (!valid || plaintext === undefined) return valid;',
      'if (plaintext === undefined) return true;',
      'an opening without proof',
    ],
    ['exhibit?.from === from && exhibit.round', 'exhibit?.round', 'the exhibit of another'],
    [' && exhibit.round === round', '', 'an exhibit of another round'],
  ]),
  ...cuts(folder, 'preparation.ts', signing, [
    [
      "if (product === 'cheat') throw banned('offers', bob);",
      "if (product === 'cheat') throw new Abort('offers', []);",
      'a Bob who cheats is not banned',
    ],
    [' || !isConsistent(group, factor, shares, value, randomness)', '', 'an Alice who multiplies other factors'],
    ['  checkOpenings(group, session, offers, answers);\n', '', 'a part of the nonce that was not committed to'],
    ['  compareSessions(input, session, offers);\n', '', 'sessions and set-ups that do not match'],
    ['if (!equal(value.nonce, committed.value.nonce))', 'if (false)', 'another nonce for each party'],
    ['same &&= equal(value.session, session) && ', 'same &&= ', 'another session'],
    [' && equal(value.fingerprint, fingerprint)', '', 'a stale set-up'],
    [
      'if (!isKey || group.isIdentity(total)) throw',
      'if (group.isIdentity(total)) throw',
      'parts that do not make the key',
    ],
    ['if (!isKey || group.isIdentity(total)) throw', 'if (!isKey) throw', 'nonces that cancel out'],
    [
      'secret.use(group.decodeScalar)), zeroShare)',
      'secret.use(group.decodeScalar)), 0n)',
      'a share that is not hidden',
    ],
    [
      '[fromBytesBE(randomness.bytes(16)), fromBytesBE(randomness.bytes(16))]',
      '[1n, 1n]',
      'errors in both products that cancel out',
    ],
  ]),
  ...cuts(folder, 'sign-context.ts', signing, [
    ['if (cheat !== undefined) throw', 'if (false) throw', 'a session with a banned party'],
    ['if (!group.equals(point, verifyingShare(publicPackage, me))) {', 'if (false) {', 'a share of another epoch'],
    ['if (signers.length < publicPackage.threshold) {', 'if (false) {', 'fewer signers than the threshold'],
    ['if (signers.some((party, i) => party <= (signers[i - 1] ?? 0))) {', 'if (false) {', 'a signer twice'],
    [' || material.peer !== peer', '', 'material of another pair'],
    [' || material.zeroSeed.wiped', '', 'material that was wiped'],
    ['if (tweak < 0n || tweak >= group.order) throw', 'if (false) throw', 'a tweak above the order'],
  ]),
  ...cuts(folder, 'sign.ts', signing, [
    [
      "if (digest.length !== 32) throw new EcdsaInputError('digest', 'a digest has 32 bytes');",
      '',
      'a digest of another length',
    ],
    ["if (u === 0n) throw new Abort('shares', []);", '', 'shares that cancel out'],
    [
      "if (!verifyRecoverable(group, key, digest, signature)) throw new Abort('shares', []);",
      '',
      'a signature that does not verify',
    ],
    ['  checkPairs(input);\n', '', 'a signer with whom nothing was set up'],
  ]),
];
