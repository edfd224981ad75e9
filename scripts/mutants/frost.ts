import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/frost';

export const frost: readonly Mutant[] = [
  ...cuts(
    folder,
    'sign.ts',
    ['attacks.test.ts', 'guards.test.ts', 'sign.test.ts'],
    [
      [
        'if (verifyUnder(suite, key, message, signature)) return signature;',
        'return signature;',
        'a signature that does not verify',
      ],
      [
        '!verifyShare(signing, party, verifyingShare(share.publicPackage, party), of(shares, party).value)',
        'true',
        'blame for those whose share is good',
      ],
      [
        "if (error instanceof IdentityCommitment) throw new Abort('commitments', []);",
        '',
        'commitments that cancel out',
      ],
      ['if (publicPackage.scheme !== suite.scheme) throw', 'if (false) throw', 'a key of another scheme'],
      ['if (signers.some((party, i) => party <= (signers[i - 1] ?? 0))) {', 'if (false) {', 'a signer twice'],
      ['if (!signers.every((party) => members.has(party)))', 'if (false)', 'a signer without a share'],
      ['if (!signers.includes(share.party)) throw', 'if (false) throw', 'a session without ourselves'],
      ['if (signers.length < publicPackage.threshold) throw', 'if (false) throw', 'fewer signers than the threshold'],
      ['if (message.length > maxMessage) {', 'if (false) {', 'a message too long'],
      [
        'if (!group.equals(point, verifyingShare(publicPackage, share.party))) {',
        'if (false) {',
        'a share of another epoch',
      ],
      ['    nonces.wipe();\n', '', 'nonces of a failed session stay in memory'],
    ],
  ),
  ...cuts(
    folder,
    'nonces.ts',
    ['guards.test.ts', 'attacks.test.ts', 'sign.test.ts'],
    [
      ["if (this.#hiding.wiped) throw new NonceError('spent');", '', 'nonces used twice'],
      [
        "if (!equal(purpose, this.#purpose)) throw new NonceError('made for another session');",
        '',
        'nonces used in another session',
      ],
      ['mine === undefined || listed.length !== 1', 'mine === undefined', 'our commitment twice in the list'],
      ['!group.equals(mine.hiding, hiding) || ', '', 'a list with another hiding commitment of ours'],
      [' || !group.equals(mine.binding, binding)', '', 'a list with another binding commitment of ours'],
      ['    } finally {\n      this.wipe();\n    }', '    } finally {\n    }', 'nonces that outlive their use'],
      ['    tags.frostNonce,\n    sid,\n', '    tags.frostNonce,\n', 'nonces that do not depend on the session'],
      ['    u64(epoch),\n', '', 'nonces that do not depend on the epoch'],
      ['    concat(...signers.map(u16)),\n', '', 'nonces that do not depend on the signers'],
      ['    message,\n    bootEpoch', '    bootEpoch', 'nonces that do not depend on the message'],
    ],
  ),
  ...cuts(
    folder,
    'rules.ts',
    ['attacks.test.ts'],
    [
      [' || last.from !== accused', '', 'the share of another'],
      ['!isBroadcast(last, 1) || ', '', 'what is not a share'],
      ['if (list.length !== share.echo.length) return undefined;', '', 'a list that leaves a signer out'],
      [' || !equal(bodyDigest(echo, payload), digest)', '', 'commitments that the accused did not see'],
      [' && !verifyShare(signing, accused, verifyingShare, share.value)', '', 'a share that is good'],
    ],
  ),
];
