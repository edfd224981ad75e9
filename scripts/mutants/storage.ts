import { cuts, type Mutant } from './mutant.ts';

const sealing = 'packages/storage/src/sealing';
const keys = 'packages/storage/src/keys';
const ledger = 'packages/storage/src/ledger';

export const storage: readonly Mutant[] = [
  ...cuts(
    'packages/storage/src',
    'tables.ts',
    ['tables.test.ts'],
    [
      ['tables.delete(reader.levelled());', 'reader.levelled();', 'tables that were overtaken, and are looked at'],
      ['    if (end > log.length) return;\n', '', 'an edit that was cut short'],
      ['isFirst ? [] : pieces', '[]', 'an edit in pieces of which one is read'],
      ['if (offset + size + trailerLength > end)', 'if (offset < 0)', 'blocks that end beyond their table'],
      ['if (table[offset + size] !== 0)', 'if (offset < 0)', 'blocks that are taken for compressed'],
      ['if (block.length < 4)', 'if (block.length < 0)', 'blocks without a number of restarts'],
      ['if (restarts === 0 || end < 0)', 'if (end < 0)', 'blocks without restarts'],
      ['if (restarts === 0 || end < 0)', 'if (restarts === 0)', 'blocks of restarts only'],
      ['if (shared > last.length)', 'if (shared < 0)', 'keys that share more than there is'],
      ['if (key.length < shortestKey)', 'if (key.length < 0)', 'keys for which the process would end'],
      ['if (!whole.has(numbers.getUint32(end + 4 * i, true)))', 'if (whole.size < 0)', 'restarts between entries'],
      ['if (shared === 0) whole.add(start);', 'whole.add(start);', 'restarts at keys that share'],
      [
        'if (last !== undefined && !isAfter(key, last))',
        'if (last === key)',
        'keys for which a compaction would end the process',
      ],
      [
        ' || (order === 0 && number(key) < number(last))',
        ' || order === 0',
        'numbers for which a compaction would end the process',
      ],
      ['if (this.at + length > this.#bytes.length)', 'if (length < 0)', 'values that end beyond their block'],
    ],
  ),
  ...cuts(
    sealing,
    'versions.ts',
    ['versions.test.ts'],
    [
      [
        '      checkVersion(place, opened.plaintext, version);\n',
        '',
        'a newer record found after something was written',
      ],
      [
        'if (grows(prefix, room) && left-- <= 0) break;',
        'if (grows(prefix, room)) break;',
        'newer records of ledgers that nobody looks at',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'errors.ts',
    ['versions.test.ts'],
    [['  checkVersion(place, bytes, placeInfo(place).version);\n', '', 'a newer record that is called damaged']],
  ),
  ...cuts(
    sealing,
    'hierarchy.ts',
    ['versions.test.ts'],
    [
      [
        '  if (isLater(bytes, headerVersion)) throw new VersionError(headerPlace, false);\n',
        '',
        'a newer header that is called damaged',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'counter.ts',
    ['versions.test.ts'],
    [
      ['    checkVersion(where.place, opened.plaintext, formatVersion);\n', '', 'a counter of a newer version'],
      [
        '  if ([0, 1].some((slot) => isLaterRecord(slotOf(file, slot)))) return undefined;\n',
        '',
        'a newer manifest made anew from a counter of before it',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'manifest.ts',
    ['versions.test.ts'],
    [
      ['      await checkVersions(store, sealer, owner, storeKey);\n', '', 'a newer store that is healed first'],
      ['      manifest.#checkLater();\n', '', 'records sealed by a newer version that are called damaged'],
      ["if (page?.state === 'verified' && counted", 'if (counted', 'a damaged key that stops the node'],
      [' && equal(counted, digest))', ')', 'a damaged pair that stops the node'],
      [
        'page?.members === undefined ? digest : page.members.get(place);',
        'page?.members?.get(place) ?? digest;',
        'a pair that was removed, and stops the node',
      ],
      [
        '      if (isLaterRecord(sealed)) return [undefined, new VersionError(place, false)];\n',
        '',
        'a newer page or root that is called damaged',
      ],
      ['throw doubt ?? damage ??', 'throw damage ??', 'a newer root that is called damaged'],
    ],
  ),
  ...cuts(
    'packages/node/src',
    'home.ts',
    ['cli/processes.test.ts'],
    [
      [
        '  const keys = await KeyRepository.open(keyring);\n',
        '  await countBoot(records);\n  const keys = await KeyRepository.open(keyring);\n',
        'a start that is counted in a newer store',
      ],
      [
        '  if (trace !== undefined) throw new UnlockError(',
        '  if (trace === null) throw new UnlockError(',
        'an init where a node lived',
      ],
      ['  checkNewRoot(root.root);\n', '', 'a folder made for an empty passphrase'],
      [
        '  const known = isMissing(to, files) ? undefined : await next();\n',
        '  const known = await next();\n',
        'a key file that is left behind, and opens nothing',
      ],
      [
        "absent: 'make' | 'refuse' = 'refuse'",
        "absent: 'make' | 'refuse' = 'make'",
        'a store made by a doctor that looks for one',
      ],
    ],
  ),
  ...cuts(
    keys,
    'repository.ts',
    ['../sealing/versions.test.ts'],
    [['    await repository.#copies.checkVersions();\n', '', 'a copy of a newer version that is overwritten']],
  ),
  ...cuts(
    keys,
    'copies.ts',
    ['../sealing/versions.test.ts'],
    [
      ['      if (epoch === undefined) continue;\n', '', 'a copy of no epoch that stops the node'],
      ['if (!isOurs || file', 'if (file', 'a stray file that stops the node'],
      [
        'if (!equal(whole.subarray(1), file.subarray(1))) throw',
        'throw',
        'a flipped bit of a copy that stops the node',
      ],
    ],
  ),
  ...cuts(
    keys,
    'salvage.ts',
    ['../sealing/versions.test.ts'],
    [
      ['decodeRecord(place, keyCodec, opened)', 'wire.decode(keyCodec, opened)', 'a newer key refused without a type'],
      [
        'decodeRecord(place, epochCodec, opened)',
        'wire.decode(epochCodec, opened)',
        'a newer epoch refused without a type',
      ],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'doctor.ts',
    ['sealing/versions.test.ts'],
    [
      ['      else checkVersion(place, opened, version);\n', '', 'a newer answer of which the doctor says nothing'],
      [' || error instanceof VersionError) throw error;', ') throw error;', 'a newer audit log that is called broken'],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'annex-files.ts',
    ['store.test.ts'],
    [["hasCode(cause, 'EROFS')", 'false', 'a read-only disk that is called somebody else’s']],
  ),
  ...cuts(
    'packages/storage/src',
    'database-files.ts',
    ['tables.test.ts'],
    [
      [
        '  if (damage !== undefined && (await damageIn(folder))?.file === damage.file) throw damage;\n',
        '',
        'tables for which the process would end',
      ],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'database-files.ts',
    ['database-files.test.ts'],
    [
      [
        'const inside = filesOf(folder)[0];',
        "const inside = existsSync(join(folder, 'CURRENT')) ? 'CURRENT' : undefined;",
        'LevelDB makes a new database where CURRENT was lost, and removes all tables',
      ],
      [
        'if (trace === undefined) return false;',
        'if (filesOf(folder).length === 0) return false;',
        'a new database beside the counter of one that was lost',
      ],
      ['  if (existsSync(counter)) return counter;\n', '', 'a lost database that nothing but its counter shows'],
      ['return copy === undefined ? undefined :', 'return', 'a lost database that nothing but second copies show'],
      ["if (!line.endsWith('\\n') || !descriptorName.test(name)) {", "if (line === '') {", 'a CURRENT cut short'],
      ['if (log !== 0 && !existsSync(', 'if (log < 0 && !existsSync(', 'the latest records forgotten with their log'],
      [
        "if (table === undefined) return new StoreDamage(path, 'is gone, and records are in it');",
        'if (table === undefined) return undefined;',
        'a lost table that nobody names',
      ],
      [
        'if (name === undefined || others.length > 0) return undefined;',
        'if (name === undefined) return undefined;',
        'an operator told to write a guess',
      ],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'database.ts',
    ['database-files.test.ts'],
    [
      [
        "  if (!isThere && absent === 'refuse') throw new StoreDamage(folder, 'has no database in it');\n",
        '',
        'a database made by whoever looks for one',
      ],
      ['      await level.close();\n      throw error;', '      throw error;', 'a lock that stays after a failure'],
    ],
  ),
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
      ['    await repository.#removeUnlisted();\n', '', 'what was dropped is there again'],
      ['    check(share, kept.publicPackage);\n', '', 'a share that does not belong is on the disk'],
      ['        checkIsNext(entry, epoch);\n', '', 'an epoch below one that was tried'],
      ['expect?.();\n        checkIsNext', 'checkIsNext', 'an attempt that was overtaken while it waited for the disk'],
      [
        'expect?.();\n      checkIsNext',
        'checkIsNext',
        'an approval of what was overtaken while it waited for the disk',
      ],
      ['if (!equal(record.statement, statement))', 'if (false)', 'a certificate for another statement'],
      ["if (record.state.type !== 'prepared') return;", '', 'a second certificate replaces the first'],
      [
        "      if (state.type === 'prepared') throw new KeyError('invalid-transition', `epoch ${epoch} has no certificate`);\n",
        '',
        'an epoch activated without certificate',
      ],
      ['!sameShare || ', '', 'another share under the same number'],
      [' || !sameMaterial', '', 'other material under the same number'],
      [' || !equal(kept.publicPackage, publicPackage)', '', 'another package under the same number'],
      [' || !equal(kept.statement, ready)', '', 'another READY under the same number'],
      [
        '    for (const [epoch] of kept) await this.#heal(keyId, epoch);\n',
        '',
        'a damaged share is noticed at the first signature only',
      ],
      [
        '      await this.#heal(keyId, epoch);\n      await this.#checkKept',
        '      await this.#checkKept',
        'READY with one copy of the share',
      ],
      ["if (!isWhole) throw new IntegrityError(group, 'incomplete');", '', 'a key with records missing or older'],
      [
        "const type = isOvertaken(entry, epoch) ? 'retiring' : 'certified';",
        "const type = 'certified' as const;",
        'a late certificate that brings an old epoch back',
      ],
      [
        "if (record.state.type !== 'shredded' && (!isKept(record) || !isOvertaken(entry, epoch)))",
        "if (record.state.type !== 'shredded' && !isKept(record))",
        'the epoch in use is shredded',
      ],
      ['    await this.#copies.erase(keyId, epoch);\n', '', 'a shredded share whose copy stays'],
      ['    await records.purge(gone);\n', '', 'a shredded share that stays in the files'],
      [
        '        await this.#erase(keyId, epoch);\n    }',
        '        await Promise.resolve();\n    }',
        'shredding that a crash cut short',
      ],
      [
        "      return await this.#turns.take('keys', async () => {\n        this.#entries.inUse(keyId, epoch);\n",
        "      return await this.#turns.take('keys', async () => {\n",
        'a share that comes back while it is shredded',
      ],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'database.ts',
    ['store.test.ts'],
    [
      ['        await Promise.all(iterations);\n', '', 'an old value that stays because somebody reads'],
      [
        '      while (purging !== undefined) await purging;\n      const { promise, resolve } = Promise.withResolvers<void>();\n      iterations',
        '      const { promise, resolve } = Promise.withResolvers<void>();\n      iterations',
        'an iteration that begins in a purge keeps what it removes',
      ],
    ],
  ),
  ...cuts(
    keys,
    'materials.ts',
    ['repository.test.ts'],
    [
      [
        "        await this.#keyring.records.batch([{ type: 'delete', key: place }]);\n",
        '',
        'a damaged set-up that stays on the disk',
      ],
      ['if (material.size !== expected.size) return false;', '', 'more or less material under the same number'],
      [
        "      await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));\n",
        '',
        'dropped material that stays on the disk',
      ],
    ],
  ),
  ...cuts(
    keys,
    'entries.ts',
    ['repository.test.ts'],
    [
      ['entry.record.name !== name || ', '', 'a key under another name'],
      [' || (owner !== undefined && !equal(owner.keyId, keyId))', '', 'a name taken by another key'],
      ['if (entry.record.scheme !== scheme)', 'if (false)', 'a key of another scheme'],
      ["if (type === 'retiring' || !isKept(found[1].record))", 'if (false)', 'signing with a retired epoch'],
    ],
  ),
  ...cuts(
    keys,
    'entry.ts',
    ['repository.test.ts'],
    [
      [
        "const retires = number < below && (type === 'certified' || type === 'active');",
        'const retires = false;',
        'two epochs active at once, or one here and one elsewhere',
      ],
    ],
  ),
  ...cuts(
    keys,
    'repository.ts',
    ['repository.test.ts'],
    [
      [
        '      if (known !== undefined && !isGivenUpFor(ready, known))\n',
        '      if (false)\n',
        'a share forgotten for a certificate of others',
      ],
      [
        "if (known?.state.type === 'approved' && equal(known.statement, ready)) return;",
        "if (known?.state.type === 'approved') return;",
        'two outcomes of an epoch approved',
      ],
    ],
  ),
  ...cuts(
    keys,
    'entry.ts',
    ['repository.test.ts'],
    [
      ['if (epoch <= highest)', 'if (false)', 'an epoch number used again'],
      [
        'return isAttempt && !equal(statement, certified);',
        'return isAttempt;',
        'a share that its own certificate destroys',
      ],
      [
        'return isAttempt && !equal(statement, certified);',
        'return true;',
        'an epoch in use that gives way to its like',
      ],
      [
        "(state.type === 'shredded' && certificateOf(state) === undefined)",
        "state.type === 'shredded'",
        'an old epoch that comes back as one elsewhere',
      ],
      ['if (open >= limits.uncertifiedEpochs)', 'if (false)', 'attempts without end'],
      ['if (quarantined !== undefined)', 'if (false)', 'a damaged key that is used'],
    ],
  ),
  ...cuts(
    keys,
    'copies.ts',
    ['repository.test.ts'],
    [
      ['if (fromRecord !== undefined && fromCopy !== undefined) {', 'if (false) {', 'a guess between record and copy'],
      ['if (lost.includes(shareAt)) await records.restore(shareAt, share);', '', 'a share that is not restored'],
      [
        'if (lost.includes(dataKeyAt)) await records.restore(dataKeyAt, dataKey);',
        '',
        'a data key that is not restored',
      ],
      [
        'const isCopied = annex === undefined || (file !== undefined && equal(file, whole));',
        'const isCopied = annex === undefined || file !== undefined;',
        'a damaged copy that stays',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'manifest.ts',
    ['manifest.test.ts'],
    [
      [
        "page.state = sameSum(page, here) ? 'verified' : 'broken';",
        "page.state = 'verified';",
        'records gone or older',
      ],
      [
        "if (this.#pages.get('node')?.state === 'broken') throw await this.#damageOfNode();",
        '',
        'a node that starts without a ban',
      ],
      [
        'for (const [group] of others) if (!this.#pages.has(group)) this.#strays.add(group);',
        '',
        'records of a key that never was',
      ],
      ['concat(ascii(place), Uint8Array.of(0), version)', 'version', 'records whose places are exchanged'],
      [
        'concat(sealed.subarray(0, 65), sealed.subarray(-16))',
        'sealed.subarray(0, 1)',
        'an earlier version of a record',
      ],
      ['    await this.#checkLedger(group, page);\n', '', 'an absence that nobody checked'],
      [
        'if (found === undefined || !sameSum(expected, found)) throw',
        'if (false) throw',
        'a large ledger with records gone',
      ],
      ['if (total > limits.ledgerScan) return;', 'return;', 'a small ledger that is not checked at the start'],
      [
        'while (this.#writing.size > 0) await Promise.allSettled(this.#writing.values());',
        '',
        'a false alarm while a ledger is written to',
      ],
      ['if (changing === undefined) throw', 'throw', 'a false alarm while a record is written'],
      [
        'if (found === place && (await this.#store.get(place)) === undefined) return',
        'if (false) return',
        'a record that a look-up misses, said to be absent',
      ],
      [
        "if (!this.#isSummedUp(root)) throw doubt ?? damage ?? new IntegrityError('pages', 'incomplete');",
        '',
        'a manifest made anew though nothing proves it',
      ],
      [
        'if (damage === undefined && this.#isSummedUp(root)) return [];',
        'if (damage === undefined) return [];',
        'pages that the root does not know',
      ],
      ['xor(this.#sum, digest);', '', 'a root that says nothing of its pages'],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'lost-counter.ts',
    ['lost-counter.test.ts'],
    [
      [
        "    await audit.append(now, 'lost-counter-accepted', { counter: keyring.manifest.number });\n",
        '',
        'a lost counter accepted without a word',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'counter.ts',
    ['counter.test.ts'],
    [
      [
        "if (best > store.counter) throw new RollbackError('rolled-back', store.counter, best);",
        '',
        'a store that was rolled back',
      ],
      [
        "if (lost === 'refuse') throw new RollbackError('counter-missing', store.counter);",
        '',
        'a rollback whose counter was removed',
      ],
      [
        'if (slots.some((slot) => slot?.counter === store.counter && !equal(slot.chain, store.chain)))',
        'if (false)',
        'another copy of the store that went on by itself',
      ],
      ['this.#turn = 1 - this.#turn;', '', 'a torn write that takes the counter away'],
      ['if (best < store.counter) counter.raise(store);', '', 'a counter that stays behind'],
    ],
  ),
  ...cuts(
    sealing,
    'manifest.ts',
    ['counter.test.ts'],
    [
      [
        "      this.#dead ??= error instanceof Error ? error : new Error('a batch failed', { cause: error });\n",
        '',
        'a store that goes on after its counter failed',
      ],
    ],
  ),
  ...cuts(
    sealing,
    'hierarchy.ts',
    ['hierarchy.test.ts'],
    [
      [
        'await store.purge([await putHeader(store, manifest, next, owner, storeKey, sealer, stretching)]);',
        'await putHeader(store, manifest, next, owner, storeKey, sealer, stretching);',
        'files that the old passphrase opens',
      ],
      [
        'await manifest.commit([operation]);',
        'await store.batch([operation]);',
        'an old passphrase that comes back with its header',
      ],
      ['  checkNewRoot(root);\n', '', 'a store made under an empty passphrase'],
      ['    checkNewRoot(next);\n', '', 'a store sealed anew under an empty passphrase'],
      [
        "  if (await isUsed(store)) throw new IntegrityError(headerPlace, 'missing');\n",
        '',
        'a new identity in the place of one that was lost',
      ],
      ['return annex !== undefined && (', 'return annex === null && (', 'a lost store that is called a new one'],
    ],
  ),
  ...cuts(
    sealing,
    'passphrase.ts',
    ['hierarchy.test.ts'],
    [
      ['  if (characters >= limits.passphraseCharacters) return;\n', '  return;\n', 'an empty passphrase'],
      ['byte > 0x20 && ', '', 'a passphrase of spaces'],
      [' && (byte & 0xc0) !== 0x80', '', 'accents that count twice'],
    ],
  ),
  ...cuts(
    'packages/storage/src',
    'annex-files.ts',
    ['annex-files.test.ts'],
    [
      ['await chmod(copies, 0o700);', '', 'a folder of copies that others may read'],
      [
        'for (const name of await readdir(copies)) await chmod(join(copies, name), 0o600);',
        '',
        'a copy that others may read',
      ],
      ['if (name.endsWith(temporary)) await rm(join(copies, name));', '', 'half a copy left by a crash'],
      [
        "        await writeSynced(`${path}${temporary}`, 'w', bytes);\n        await rename(`${path}${temporary}`, path);\n",
        "        await writeSynced(path, 'w', bytes);\n",
        'a copy that a full disk takes away',
      ],
    ],
  ),
  ...cuts(
    ledger,
    'marks.ts',
    ['marks.test.ts'],
    [
      [
        "if (starts !== 0) return starts > 0 ? 'ahead' : 'behind';",
        "if (starts !== 0) return 'ahead';",
        'a peer that was rolled back',
      ],
      ["if (compare(now, before) !== 0) return 'cloned';", '', 'a peer of which there are two'],
      ["if (verdict !== 'ahead') return verdict;", '', 'a mark that falls'],
      ['if (epoch <= this.epochOf(keyId)) return;', '', "a key's mark that falls"],
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
      [
        '      if (!(error instanceof IntegrityError)) throw error;\n',
        '      throw error;\n',
        'one record that stops a node',
      ],
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
        "    await this.#records.batch([{ type: 'delete', key: checkPlace(sid, round) }]);\n",
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
