import { cuts, type Mutant } from './mutant.ts';

const sealing = 'packages/storage/src/sealing';
const keys = 'packages/storage/src/keys';
const ledger = 'packages/storage/src/ledger';

export const storage: readonly Mutant[] = [
  ...cuts(
    sealing,
    'record.ts',
    ['sealed-store.test.ts', 'hierarchy.test.ts'],
    [
      [
        "if (!equal(commitment, record.commitment)) return { failure: 'other-key' };",
        '',
        'a record that opens under two keys',
      ],
      [
        'concat(ascii(tags.salt), fresh, binding, sha256(plaintext))',
        'concat(ascii(tags.salt), fresh, binding)',
        'a clone seals two plaintexts under one key',
      ],
      ['concat(ascii(tags.salt), fresh, binding', 'concat(ascii(tags.salt), binding', 'a salt that is not random'],
      [', network, node, ascii(place)', ', node, ascii(place)', 'a record of another network'],
      [', network, node, ascii(place)', ', network, ascii(place)', 'a record of another node'],
      [', ascii(place), ascii(kind)', ', ascii(kind)', 'a record moved to another place'],
      [', ascii(place), ascii(kind)', ', ascii(place)', 'a record read as another kind'],
      ['if (plaintext.length > limits.recordBytes) throw', 'if (false) throw', 'a record too large'],
    ],
  ),
  ...cuts(
    keys,
    'repository.ts',
    ['repository.test.ts'],
    [
      ['    check(share, publicPackage);\n', '', 'a share that does not belong is kept'],
      ['    check(share, kept.publicPackage);\n', '', 'a share that does not belong is on the disk'],
      ['        checkIsNext(entry, epoch);\n', '', 'an epoch below one that was tried'],
      ['if (epoch <= highest)', 'if (false)', 'an epoch number used again'],
      ['if (open >= limits.uncertifiedEpochs)', 'if (false)', 'attempts without end'],
      ['if (!equal(record.statement, statement))', 'if (false)', 'a certificate for another statement'],
      ["if (record.state.type !== 'prepared') return;", '', 'a second certificate replaces the first'],
      [
        "if (state.type === 'prepared') throw new KeyError('invalid-transition', `epoch ${epoch} has no certificate`);",
        '',
        'an epoch used without certificate',
      ],
      ['!sameShare || ', '', 'another share under the same number'],
      [' || !sameMaterial', '', 'other material under the same number'],
      ['if (material.size !== expected.size) return false;', '', 'more or less material under the same number'],
      [
        "      await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));\n",
        '',
        'dropped material that stays on the disk',
      ],
      [' || !equal(kept.publicPackage, publicPackage)', '', 'another package under the same number'],
      [' || !equal(kept.statement, ready)', '', 'another READY under the same number'],
      ['entry.record.name !== name || ', '', 'a key under another name'],
      [' || (owner !== undefined && !equal(owner.keyId, keyId))', '', 'a name taken by another key'],
      ['if (entry.record.scheme !== scheme)', 'if (false)', 'a key of another scheme'],
      [
        "if (entry === undefined) throw new IntegrityError(`keys/${id}`, 'missing');",
        'if (entry === undefined) continue;',
        'an epoch whose key record is gone',
      ],
      [
        '      (await repository.share(entry.keyId, epoch)).wipe();\n',
        '',
        'a damaged share is noticed at the first signature only',
      ],
    ],
  ),
  ...cuts(
    ledger,
    'requests.ts',
    ['ledger.test.ts'],
    [
      ['if (!equal(known.bodyHash, bodyHash))', 'if (false)', 'one request id, two requests'],
      [
        "if (known === undefined) throw new LedgerError('request-unknown', 'no such request was registered');",
        '',
        'an answer to nothing',
      ],
      ['if (known.result !== undefined) return known.result;', '', 'a second answer'],
    ],
  ),
  ...cuts(
    ledger,
    'sessions.ts',
    ['ledger.test.ts'],
    [
      ["if ((await this.#records.get(place, 'session')) !== undefined)", 'if (false)', 'nonces that answer twice'],
      ['        await this.#records.batch([tombstone]);\n', '', 'nonces whose use is not on the disk'],
      [
        "await this.#records.batch([tombstone, this.#records.seal(checkPlace(sid, round), 'check', begun)]);",
        'await this.#records.batch([tombstone]);',
        'a check of which nobody knows after a crash',
      ],
      [
        "    await this.#records.batch([{ type: 'delete', key: checkPlace(sid, round) }], { sync: false });\n",
        '',
        'a check that stays open when it was answered',
      ],
      [
        '    await this.#turns.take(place, async () => {',
        '    await (async (work: () => Promise<void>) => work())(async () => {',
        'two answers at once',
      ],
    ],
  ),
  ...cuts(
    ledger,
    'bans.ts',
    ['bans.test.ts'],
    [
      ['if (this.#bans.has(id)) return;', '', 'a second ban replaces the first'],
      ['      ledger.#bans.set(toHex(node), { node, session, time });\n', '', 'a ban forgotten by a restart'],
      ['    this.#bans.set(id, ban);\n', '', 'a ban that counts after the next start only'],
      ['    await this.#records.put(`bans/', '    void (`bans/', 'a ban that is not on the disk'],
      [
        "    await this.#records.batch([{ type: 'delete', key: `bans/${id}` }]);\n",
        '',
        'a ban that a restart brings back',
      ],
    ],
  ),
  ...cuts(
    ledger,
    'blames.ts',
    ['blames.test.ts'],
    [
      [
        "if ((await this.#records.get(place, 'blame')) !== undefined) return false;",
        '',
        'later evidence replaces the first',
      ],
    ],
  ),
  ...cuts(
    ledger,
    'boot.ts',
    ['ledger.test.ts'],
    [
      [
        'decodeRecord(place, codec, bytes).counter + 1',
        'decodeRecord(place, codec, bytes).counter',
        'two starts with one number',
      ],
    ],
  ),
];
