import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const coordination = 'packages/node/src/coordination';
const stocked = ['stocked.test.ts', 'worker/host.test.ts'];

export const ceremonies: readonly Mutant[] = [
  ...cuts(
    folder,
    'runner.ts',
    ['runner.test.ts'],
    [
      [
        '    this.#settle = undefined;\n  }\n\n  #sendAll',
        '  }\n\n  #sendAll',
        'a cheat told to others and written down by nobody',
      ],
      ['      await spend(label, inboxDigest(inbox));\n', '', 'one-time secrets used before their use is on the disk'],
      [
        "const progress = late() ? 'late' : await this.#answer(label, inbox);",
        'const progress = (await this.#answer(label, inbox)) as Progress<T> | "late";',
        'a guarded round answered after its deadline',
      ],
      [
        "late()\n          ? 'late'\n          : await host.next(inbox)",
        'await host.next(inbox)',
        'a round answered after its deadline',
      ],
      ['        await ban(progress.abort.bans);\n', '', 'an abort said before the ban is on the disk'],
      [
        "    if (abort.bans.length > 0) return { type: 'banned', parties: abort.bans };\n",
        '',
        'a cheat taken for silence',
      ],
      [
        '    if (abort.informant === undefined) this.#sendAll(this.#session.leave(abort));\n',
        '',
        'evidence that is not passed on',
      ],
      [
        '      if (endsItsSession(error)) await unanswered(label);\n',
        '',
        'what a check depended on outlives the thread that answered it',
      ],
      [
        'if (endsItsSession(error)) await unanswered',
        'await unanswered',
        'a bug taken for the death of a thread, in a check',
      ],
      ['      if (!endsItsSession(error)) throw error;\n', '', 'a bug that is survived'],
      ["    this.#leave({ type: 'lost'", "    this.#end({ type: 'lost'", 'others wait for one whose thread died'],
      ['      host.close();\n', '', 'secrets of a session that is over stay in memory'],
      [
        '      this.#cancelRound();\n      this.#settle',
        '      this.#settle',
        'the deadline of a round keeps a node that is told to stop',
      ],
    ],
  ),
  ...cuts(
    folder,
    'activations.ts',
    ['crashes.test.ts'],
    [
      [
        "if (info.state === 'prepared' && !this.#machines.has(place) && !this.#found.has(place)) {",
        "if (info.state === 'prepared' && place === '') {",
        'READY for a share that has no second copy yet',
      ],
    ],
  ),
  ...cuts(
    folder,
    'refresh.ts',
    ['refresh.test.ts'],
    [
      [
        'newer.expires >= this.expires + limits.refreshPause;',
        'newer.expires > this.expires;',
        'a member that has the others write down proposal after proposal',
      ],
      ['return equal(newer.proposer, this.proposer) && newer', 'return newer', "another member's proposal swept away"],
    ],
  ),
  ...cuts(
    folder,
    'declines.ts',
    ['refresh.test.ts', 'epoch-numbers.test.ts'],
    [
      [
        'this.send(peer, task.id, reason, told)',
        'this.send(peer, task.id, reason)',
        'a number that each has to hear of by itself',
      ],
      [
        '    this.tell(entry, `${tooMany}${reasons}`);\n',
        '',
        'a proposal that came to nothing, waited for by whom nobody told',
      ],
      [
        '    for (const { peer, item } of this.#early.take(id)) this.receive(peer, item);\n',
        '    void id;\n',
        'a proposal that was declined while it was looked at',
      ],
    ],
  ),
  ...cuts(
    folder,
    'addresses.ts',
    ['addresses.test.ts'],
    [
      ['  expectNoPath(scheme, path);\n', '', "a child's address that is the key's own"],
      [
        'frost.outputKey(frost.suiteOf(scheme, tools.groups), publicPackage)',
        'groupOf(scheme, tools.groups).encodePoint(publicPackage.groupKey).slice(-32)',
        'an address of the key before its tweak',
      ],
    ],
  ),
  ...cuts(
    folder,
    'sessions.ts',
    ['ecdsa.test.ts'],
    [
      [
        'if (other.session?.run !== run && multiplies && shared) other.session?.run.giveUp();',
        '',
        'another session with a banned member goes on',
      ],
      [
        'if (other.session?.run !== run && multiplies',
        'if (other !== entry && multiplies',
        'the next session of the same order, with a member that is banned by now, goes on',
      ],
      [
        '    for (const node of nodes) await bans.ban({ node, session: sid, time: clock.now() });\n',
        '',
        'a ban that is not on the disk',
      ],
      ['    for (const node of nodes) stock.drop(node);\n', '', 'a set made with a member that is banned since'],
    ],
  ),
  ...cuts(folder, 'jobs/pairs.ts', stocked, [
    [
      '  for (const half of stock.flatMap(halvesOf)) taken.adopt(half, wipe);\n',
      '',
      'sets of a keygen that came to nothing stay in memory',
    ],
  ]),
  ...cuts(folder, 'jobs/keygen.ts', stocked, [
    [
      '  const stock = stockOf(group, input);\n  const pairs',
      '  const stock = new Map();\n  const pairs',
      'base transfers made ahead and not used',
    ],
  ]),
  ...cuts(folder, 'jobs/jobs.ts', stocked, [
    [
      'keygen: ({ receiveSecret, stock }) => [receiveSecret, ...stock.flatMap(halvesOf)]',
      'keygen: ({ receiveSecret }) => [receiveSecret]',
      'sets that a keygen was given stay in this thread',
    ],
    ["'choose-set': ({ hedge }) => [hedge],", "'choose-set': () => [],", 'what hedges a set stays in this thread'],
    [
      "'complete-set': ({ keySecret }) => [keySecret],",
      "'complete-set': () => [],",
      'the key of a set stays in this thread',
    ],
  ]),
  ...cuts(
    `${folder}/worker`,
    'host.ts',
    ['host.test.ts'],
    [['(quick.has(job) ? idlest(others) : heavy)', 'heavy', 'a signature behind a keygen']],
  ),
  ...cuts(
    `${folder}/worker`,
    'thread.ts',
    ['host.test.ts'],
    [
      [
        'if (own === undefined || own !== this.#worker) throw',
        'if (own === undefined) throw',
        'a session that waits for a thread that died between its rounds',
      ],
      [
        'reject(new ThreadDied({ cause }));',
        "reject(new Error('died', { cause }));",
        'a node that a dead thread stops',
      ],
    ],
  ),
  ...cuts(
    folder,
    'host.ts',
    ['runner.test.ts'],
    [[' || error instanceof InputError;', ';', 'a node that a proposal of the impossible stops']],
  ),
  ...cuts(
    `${folder}/worker`,
    'entry.ts',
    ['host.test.ts'],
    [
      [
        "error instanceof InputError ? 'unfit' : 'bug'",
        "'bug'",
        'a node that a proposal of the impossible stops, by way of a thread',
      ],
    ],
  ),
  ...cuts(
    folder,
    'ceremonies.ts',
    ['threads.test.ts'],
    [
      [
        'this.#failStop(this.#pairs.burnAfter(check))',
        'this.#pairs.burnAfter(check)',
        'a node that goes on with what it could not burn',
      ],
    ],
  ),
  ...cuts(
    folder,
    'sessions.ts',
    ['threads.test.ts'],
    [
      ['    await this.#port.burnAfter(check);\n', '', 'what was in a check when its thread died is used again'],
      [
        '    for (const peer of peers) this.#workshop.presignatures.dropWith(publicKeyOf(peer), check.keyId);\n',
        '',
        'what was made of what is burnt stays',
      ],
      [
        "if (peers.some((peer) => session?.parties.has(peer))) session?.run.lose('what it multiplied with was burnt');",
        '',
        'another session multiplies with what is burnt',
      ],
    ],
  ),
  ...cuts(
    folder,
    'sessions.ts',
    ['liars.test.ts'],
    [['        await this.#recordBlames(entry, blames, session);\n', '', 'evidence that is not kept']],
  ),
  ...cuts(
    folder,
    'registering.ts',
    ['registering.test.ts', 'liars.test.ts', 'keygen.test.ts'],
    [
      [
        'if (own === undefined || !equal(own.registration.nonce, ours.nonce))',
        'if (own === undefined)',
        'a Start that lists an old registration of ours',
      ],
      [
        'if (start.kind !== kinds[task.kind] || !equal(start.digest, task.digest) || start.epoch !== task.epoch) {',
        'if (false) {',
        'a Start for something else',
      ],
      ["if (start.participants.length < task.need) return 'too few take part';", '', 'a Start with too few'],
      [
        "if (start.participants.some(({ party }) => task.apart.includes(party))) return 'it seats us with a banned member';",
        '',
        'a Start with a banned member',
      ],
      [
        'const fault = faultOf(start, members, tools.signatures, task.receives);',
        'const fault = undefined as string | undefined;',
        'a Start with forged registrations',
      ],
      ['    equal(member.node, registration.node) &&\n', '', 'a registration in the seat of another'],
      ['    equal(registration.digest, task.digest) &&\n', '', 'a registration for another body'],
    ],
  ),
  ...cuts(
    folder,
    'sign.ts',
    ['committee.test.ts', 'liars.test.ts'],
    [
      [
        "if (toHex(request.network) !== toHex(config.networkId)) throw denied('the request is for another network');",
        '',
        'an order in another network',
      ],
      [
        "if (!signRequests.verify(request, tools.signatures)) throw denied('the request is not signed by the client it names');",
        '',
        'an order that nobody signed',
      ],
      ["if (!mayAsk(client, request.key, request.purpose, 'sign')) {", 'if (false) {', 'a client without the right'],
      ['  checkExpiry(request.expires, clock.now());\n', '', 'an order that has expired'],
      [
        'if (publicPackage.purpose !== request.purpose) throw denied(`the key ${request.key} is not for ${request.purpose}`);',
        '',
        'a key used for another purpose',
      ],
      [
        "if (isRaw(scheme, request.intent) && !mayAsk(client, request.key, request.purpose, 'sign-raw')) {",
        'if (false) {',
        'a digest signed without the right to',
      ],
      ['  if (key.frozen)\n', '  if (false)\n', 'a frozen key signs'],
    ],
  ),
  ...cuts(
    folder,
    'registrations.ts',
    ['committee.test.ts'],
    [
      [
        "    if (this.#hasExpired(entry)) return this.#port.apply(entry, { type: 'expired' });\n    const value",
        '    const value',
        'an order that outlives its time because the clock was behind',
      ],
    ],
  ),
  ...cuts(
    coordination,
    'gathering.ts',
    ['gathering.test.ts'],
    [
      ['  if (!gathering.order.includes(party)) return gathering;\n', '', 'a registration of a stranger'],
      ['if (avoided !== party) complaints', 'complaints', 'a complaint about oneself'],
      [
        'if (!seated.some((one) => quarrels.get(one)?.has(party))) seated',
        'seated',
        'a member beside one that it bans',
      ],
      [' || avoidedBy(other).includes(one)', '', 'a claimant beside whom it bans'],
      ['    registrations.delete(party);\n', '', 'a registration used twice'],
      ['if (event.now - enoughSince < wait) return', 'if (false) return', 'a suspect seated at once'],
      ['((complaints.get(party)?.size ?? 0) + (attended.get(party) ?? 0)) * 2', '0', 'a liar seated for ever'],
      ['(live.has(party) ? 0 : 1_000_000) +', '0 +', 'the dead seated before the living'],
    ],
  ),
  ...cuts(
    folder,
    'results.ts',
    ['reshare.test.ts'],
    [
      [
        '(!isMember && !task.heirs().some((node) => this.#port.peerOf(node) === peer)) return;',
        '(!isMember) return;',
        'who joined a committee waiting for an answer that was given before',
      ],
      [
        'if (!isMember && !task.heirs().some((node) => this.#port.peerOf(node) === peer)) return;',
        '',
        'signatures for whoever asks',
      ],
    ],
  ),
  ...cuts(
    folder,
    'ceremonies.ts',
    ['pairs.test.ts'],
    [
      [
        "      if (entry.task.kind !== 'sign' && (name === 'running' || name === 'confirming')) continue;\n",
        '',
        'a node that died in a session waiting for a second one that nobody holds',
      ],
    ],
  ),
];
