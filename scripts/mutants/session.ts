import { cuts, type Mutant } from './mutant.ts';

const sessionFolder = 'packages/protocol/src/session';
const activationFolder = 'packages/protocol/src/activation';

export const session: readonly Mutant[] = [
  ...cuts(
    sessionFolder,
    'court.ts',
    ['court.test.ts', 'session.test.ts'],
    [
      [
        'return nesting(evidence) <= MAX_FOLLOWED + 1 && isProof',
        'return isProof',
        'evidence is judged however deep it nests',
      ],
      ['depth > MAX_FOLLOWED || payload.length', 'payload.length', 'an abort is followed however deep it nests'],
      [' || payload.length > MAX_ACCUSATIONS + depth * WRAPPING', '', 'an abort is followed that cannot be passed on'],
      ['if (!court.parties.includes(evidence.accused)) return false;', '', 'somebody who takes no part is convicted'],
      ['equal(envelope.network, court.network) && ', '', 'an envelope of another network convicts'],
      ['equal(envelope.sid, court.sid) && ', '', 'an envelope of another session convicts'],
      [' && envelope.kind === court.kind', '', 'an envelope of another kind of ceremony convicts'],
      [
        'envelope.to === envelope.from : envelope.to !== 0',
        'envelope.to === envelope.from : false',
        'a broadcast to one party',
      ],
      [
        'return verifyEntry(envelope, entry, key, court.signatures) ? envelope : undefined;',
        'return envelope;',
        'a forged signature',
      ],
      ['return from === accused && codec', 'return codec', 'malformed: the message of another'],
      [' && tryDecode(codec, payload) === undefined', '', 'malformed: a message that is well formed'],
      [
        "if (exhibit.from === accused && exhibit.class !== 'abort')",
        'if (exhibit.from === accused)',
        'equivocation: two aborts',
      ],
      ['if (exhibit.from === accused && exhibit', 'if (exhibit', 'equivocation: the messages of others'],
      [
        'if (echoed !== undefined && verifyEntry(echoed.slot, echoed.entry, key, court.signatures)) {',
        'if (echoed !== undefined) {',
        'equivocation: an echo without the signature of the accused',
      ],
      [
        'before !== undefined && !equal(before, digest)',
        'before !== undefined',
        'equivocation: the same message twice',
      ],
      [
        "if (exhibit.from !== accused || exhibit.class === 'abort') return false;",
        '',
        'false echo: the message of another',
      ],
      [
        "if (exhibit.from !== accused || exhibit.class !== 'abort') return false;",
        '',
        'false accusation: the abort of another',
      ],
      [
        'Object.hasOwn(court.rules, evidence.code) ? court.rules[evidence.code] : undefined',
        'court.rules[evidence.code]',
        'a code that names a property of every object',
      ],
    ],
  ),
  ...cuts(
    sessionFolder,
    'session.ts',
    ['session.test.ts', 'court.test.ts'],
    [
      ['envelope.from !== from || ', '', 'a peer sends what another party signed'],
      ['round < this.#index || ', '', 'a message of a round that is over'],
      [' || round > this.#index + 1', '', 'a message of a round far ahead'],
      [
        "if (this.#court.rounds[round]?.[kind] === undefined) return 'misplaced';",
        '',
        'a class of message that the round does not have',
      ],
      [
        "if (kind === 'direct' && envelope.to !== this.#me) return 'misplaced';",
        '',
        'a direct message to somebody else',
      ],
      [
        "throw this.#abort(blame(from, 'equivocation', [before.frame, frame]));",
        "return 'duplicate';",
        'two messages in one slot',
      ],
      ['if (round === this.#index) this.#checkEcho(envelope, frame);', '', 'the echo of a message that comes in time'],
      [
        'for (const message of Object.values(messages)) this.#checkEcho(message.envelope, message.frame);',
        '',
        'the echo of a message that came early',
      ],
      [
        "if (envelope.echo.length !== echoLength(this.#court, envelope))\n      throw this.#abort(blame(from, 'false-echo', [frame]));",
        '',
        'an echo that is missing or too long',
      ],
      [
        'if (equal(ours.digest, theirs.digest) && equal(ours.signature, theirs.signature)) continue;',
        'continue;',
        'echoes that differ from what came',
      ],
      [
        'if (!verifyEntry(echoed.slot, theirs, key, this.#court.signatures)) {',
        'if (false) {',
        'an echo that nobody signed',
      ],
      ['    this.#checkSpec(round);\n', '', 'a protocol that runs other rounds than the court knows'],
      [
        'if (accusations?.every((evidence) => judge(this.#court, evidence)) !== true) {',
        'if (accusations === undefined) {',
        'an abort whose evidence proves nothing',
      ],
      [
        '      this.#transcript = extendTranscript(this.#transcript, this.#index, digests);\n',
        '',
        'a transcript that covers nothing',
      ],
    ],
  ),
  ...cuts(
    sessionFolder,
    'start.ts',
    ['start.test.ts'],
    [
      [
        "if (party <= previous) return 'participants are not in ascending order';",
        '',
        'a party twice, or out of order',
      ],
      [' || !equal(node, registration.node)', '', 'a seat played by another node'],
      ['      equal(registration.network, start.network) &&\n', '', 'a registration in another network'],
      ['      equal(registration.request, start.request) &&\n', '', 'a registration for another request'],
      ['      equal(registration.digest, start.digest) &&\n', '', 'a registration for another body'],
      [' &&\n      registration.epoch === start.epoch', '', 'a registration for another epoch'],
      ['if (!verifyRegistration(registration, signatures))', 'if (false)', 'a registration that nobody signed'],
      ['if (receives !== undefined && tryDecode(', 'if (false && tryDecode(', 'a receive key that is no point'],
    ],
  ),
  ...cuts(
    activationFolder,
    'succession.ts',
    ['succession.test.ts'],
    [
      ['  if (fault !== undefined) throw new CertificateError(fault);\n', '', 'a renewal that changes the key'],
      [
        'certificate.approvals.filter((one) => equal(one.digest, digest))',
        'certificate.approvals',
        'an approval of another outcome',
      ],
      [
        'if (!isWanted(base, next, approvals, context.signatures)) {',
        'if (false) {',
        'a renewal that the old committee does not want',
      ],
      [
        '(one) => equal(one.keyId, next.keyId) && one.epoch === next.epoch && verifyApproval(one, base, signatures),',
        '(one) => equal(one.keyId, next.keyId) && one.epoch === next.epoch,',
        'an approval that nobody signed',
      ],
      [' && one.epoch === next.epoch', '', 'an approval of another epoch'],
      [
        'new Set([...staying, ...leaving].map(({ party }) => party))',
        'new Set([...staying, ...leaving])',
        'one member counted twice',
      ],
      [
        "if (!equal(next.keyId, base.keyId) || next.name !== base.name) return 'of another key';",
        '',
        'a renewal of another key',
      ],
      ['|| next.epoch <= base.epoch', '', 'an epoch that does not rise'],
      ['!group.equals(next.groupKey, base.groupKey) || ', '', 'another group key'],
      [' || !sameTweak', '', 'another tweak'],
      ["  if (!equal(next.chainCode, base.chainCode)) return 'with another chain code';\n", '', 'another chain code'],
      ["  if (!equal(next.policyHash, base.policyHash)) return 'under another policy';\n", '', 'another policy'],
    ],
  ),
  ...cuts(
    activationFolder,
    'retirement.ts',
    ['retirement.test.ts'],
    [
      ['  if (!retirement.others.has(party)) return retirement;\n', '', 'a stranger counted'],
      ['return activated.size >= enough && age >= grace;', 'return activated.size >= enough;', 'no grace'],
      ['return activated.size >= enough && age >= grace;', 'return age >= grace;', 'shredded while nobody knows'],
    ],
  ),
  ...cuts(
    activationFolder,
    'ready.ts',
    ['certificate.test.ts'],
    [
      [' || evidence.accused !== member.party) return false;', ') return false;', 'two promises held against another'],
      ["evidence.code !== 'conflicting-ready' || ", '', 'two promises as proof of something else'],
      ['return said.length === 2 && a', 'return a', 'two promises among other things'],
    ],
  ),
  ...cuts(
    activationFolder,
    'machine.ts',
    ['succession.test.ts'],
    [
      [
        'if (base !== undefined && !isWanted(base, state.publicPackage, approvals, context.signatures)) {',
        'if (false) {',
        'a renewal certified without the old committee',
      ],
      [
        'if (!ours || known || !verifyApproval(approval, base, signatures))',
        'if (!ours || known)',
        'an approval that its member did not sign',
      ],
      ['    follows &&\n', '', 'READY for what the old epoch does not lead to'],
    ],
  ),
  ...cuts(
    activationFolder,
    'machine.ts',
    ['machine.test.ts', 'model.test.ts'],
    [
      [
        "if (!isOurs(context, publicPackage)) throw new ActivationError('a package of another epoch or other members');",
        '',
        'READY for a package of another epoch',
      ],
      [
        "if (state.type === 'prepared' && !equal(state.digest, digest)) throw new ActivationError('a second outcome');",
        '',
        'READY for a second outcome',
      ],
      [
        "if (state.type !== 'none' && state.type !== 'prepared') throw new ActivationError('it is certified already');",
        '',
        'READY for what is certified',
      ],
      [' || !verifyReady(ready, member, context.signatures)', '', 'a READY that its member did not sign'],
      ['!equal(ready.keyId, context.keyId) || ', '', 'a READY for another key'],
      [' || ready.epoch !== context.epoch) return unchanged;', ') return unchanged;', 'a READY for another epoch'],
      ['before.length > 1 || ', '', 'more than two READY of one member are kept'],
      [
        'if (ready === undefined) return { state, effects };',
        'if (ready === undefined) continue;',
        'a certificate without all members',
      ],
      [
        'state.readies.get(party)?.find(({ digest }) => equal(digest, state.digest))',
        'state.readies.get(party)?.[0]',
        'a certificate from READY for something else',
      ],
      ['if (!isOurs(context, publicPackage)) return unchanged;', '', 'a certificate of another epoch'],
      [
        'if (held !== undefined && comparePackages(publicPackage, held) <= 0) return unchanged;',
        '',
        'a certificate that does not take precedence',
      ],
      ['equal(publicPackage.keyId, keyId) &&', 'true &&', 'a package of another key'],
      ['publicPackage.epoch === epoch &&', 'true &&', 'a package of another epoch'],
      ['return party === member.party && equal(node, member.node);', 'return true;', 'a package of other members'],
      [
        "state.type === 'prepared' && equal(packageDigest(context.network, certificate.publicPackage), state.digest)",
        "state.type === 'prepared'",
        'a certificate for something else than was prepared',
      ],
    ],
  ),
];
