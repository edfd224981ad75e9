import { fromHex } from '@quorate/protocol';
import { AuditLog } from './audit/log.ts';
import type { StoreDamage } from './database-files.ts';
import type { KeyInfo } from './keys/entry.ts';
import type { Finding } from './keys/finding.ts';
import { KeyRepository } from './keys/repository.ts';
import { checkVersion, IntegrityError, RollbackError, VersionError } from './sealing/errors.ts';
import { type ExpectedOwner, type Keyring, openKeyring, type Root } from './sealing/hierarchy.ts';
import { placeInfo, places } from './sealing/places.ts';
import type { Sealer } from './sealing/record.ts';
import { type Store, StoreError } from './store.ts';

/** The epoch of a key that proves less than it should, if there is one: what the seals do not tell. */
export type Unwanted = (key: KeyInfo) => number | undefined;

/** Something that an operator must know about a store. */
export interface Diagnosis {
  /** The stable code of the error that a node meets, or the kind of what it would repair by itself. */
  readonly code: string;
  /** The place of the record, or the group of records. */
  readonly place: string;
  /** What is wrong with it. */
  readonly problem: string;
  /** What it means. */
  readonly meaning: string;
  /** What to do. */
  readonly remedy: string;
  /** The name of the key that it is about, if it can still be read. */
  readonly key?: string;
}

const newestCopy = 'put the newest copy of the whole data folder back';
const replace =
  'this node cannot go on: make a new one, and have its place in each key given to it (`quorate keys reshare`)';

/**
 * Looks through all of a store whose node is stopped: what a start checks, and what a start leaves for later. Keys whose
 * second copies can repair them are repaired, as a start would; nothing else is changed. Where a newer version wrote, nothing is
 * changed at all, and that is all that is said.
 * @throws {UnlockError} @throws {StoreError} if the store cannot be read at all
 */
export async function examine(
  store: Store,
  root: Root,
  expected: ExpectedOwner,
  sealer: Sealer,
  unwanted: Unwanted = () => undefined,
): Promise<readonly Diagnosis[]> {
  let keyring: Keyring;
  try {
    keyring = await openKeyring(store, root, expected, sealer);
  } catch (error) {
    if (error instanceof VersionError) return [ofVersion(error)];
    if (error instanceof IntegrityError || error instanceof RollbackError) return [ofNode(error)];
    throw error;
  }
  try {
    // First what only reads: keys are repaired.
    const [ledgers, audit] = [await ofLedgers(keyring), await ofAudit(keyring)];
    return [...(await ofKeys(keyring, unwanted)), ...ledgers, ...audit];
  } catch (error) {
    if (error instanceof VersionError) return [ofVersion(error)];
    throw error;
  } finally {
    keyring.close();
  }
}

/** Of a store that cannot be opened, since files of the database itself are gone or damaged. */
export function ofDatabase({ code, file, ifAlone, problem }: StoreDamage): Diagnosis {
  const alone = ifAlone === undefined ? '' : `; or, if nothing else was lost than this file, ${ifAlone}`;
  return {
    code,
    place: file,
    problem,
    meaning: 'the node does not start. The store was not opened, and nothing in it was changed',
    remedy: `${newestCopy}${alone}. If there is no copy, ${replace}`,
  };
}

function ofVersion({ code, isCertain, place, problem }: VersionError): Diagnosis {
  const run = 'run the version of Quorate that ran here last; nothing was changed, so it goes on where it was';
  const damaged = place.startsWith('copies/')
    ? 'if no newer one ever ran here, the file is damaged: move it away, and it is made anew from the record'
    : `if no newer one ever ran here, it is damaged: ${newestCopy}; if there is none, ${replace}`;
  return {
    code,
    place,
    problem,
    meaning: `this version does not know what it says, and the node does not start with it: ${meaningOf(place)}`,
    remedy: isCertain ? `${run}; or put a copy of the whole data folder back from before` : `${run}; ${damaged}`,
  };
}

function ofNode(error: IntegrityError | RollbackError): Diagnosis {
  const place = error instanceof IntegrityError ? error.place : 'counter';
  const meaning = `the node does not start: ${meaningOf(place)}`;
  const accept =
    error.code === 'counter-missing'
      ? '; or, if you know that the store is the newest, say so with `quorate doctor --accept-lost-counter`'
      : '';
  return {
    code: error.code,
    place,
    problem: error.problem,
    meaning,
    remedy: `${newestCopy}; if there is none, ${replace}${accept}`,
  };
}

async function ofKeys(keyring: Keyring, unwanted: Unwanted): Promise<readonly Diagnosis[]> {
  const keys = await KeyRepository.open(keyring);
  for (const key of keys.list()) {
    const epoch = unwanted(key);
    if (epoch !== undefined) keys.quarantine(key.keyId, epoch);
  }
  return keys.takeFindings().map((finding) => {
    const [keyId] = /[0-9a-f]{64}/.exec(finding.place) ?? [];
    const name = keyId === undefined ? undefined : keys.get(fromHex(keyId))?.name;
    return name ? { ...ofKey(finding, name), key: name } : ofKey(finding, '<name>');
  });
}

function ofKey({ kind, place, reason }: Finding, name: string): Diagnosis {
  switch (kind) {
    case 'key-quarantined':
      return {
        code: kind,
        place,
        problem: `damaged: ${reason}`,
        meaning: `this node does nothing with this key; its other keys are not touched. What is damaged: ${meaningOf(place)}`,
        remedy: `start the node and run \`quorate keys repair ${name}\`: other members give the share back, and nothing else is touched. Only if too few of them are left, ${newestCopy}: it takes every key, freeze and ban back to its day`,
      };
    case 'pair-quarantined':
      return {
        code: kind,
        place,
        problem: `damaged: ${reason}`,
        meaning:
          'this node does not sign with that party for now; with others it does, and its other keys are not touched. What was damaged is removed',
        remedy: 'nothing: the two set up something new once both run. Look after the disk',
      };
    case 'copy-unknown':
      return {
        code: kind,
        place,
        problem: 'a second copy of an epoch that this node does not have',
        meaning: 'somebody put it there, or an epoch is gone',
        remedy: 'find out which; move the file away when you know',
      };
    case 'record-unknown':
      return {
        code: kind,
        place,
        problem: 'a record of no key, or one that was removed before',
        meaning:
          'somebody put it there, or the disk altered where a record belongs; if it is missed there, that is said too. Nothing is done with it',
        remedy: 'look after the disk',
      };
    case 'manifest-restored':
      return {
        code: kind,
        place,
        problem: 'the record was damaged or gone',
        meaning:
          'nothing is lost: the records that it counts are all there and the newest, and it was made anew from them',
        remedy: 'look after the disk',
      };
    case 'share-restored':
    case 'copy-restored':
      return {
        code: kind,
        place,
        problem: kind === 'share-restored' ? 'the record was damaged or gone' : 'the second copy was damaged or gone',
        meaning: 'nothing is lost: it was restored from the other one just now',
        remedy: 'look after the disk: what damaged one may damage both',
      };
  }
}

async function ofLedgers(keyring: Keyring): Promise<readonly Diagnosis[]> {
  const damaged: Diagnosis[] = (await keyring.manifest.checkAll())
    .filter((group) => !group.startsWith('key/'))
    .map((group) => ofLedger(new IntegrityError(group, 'incomplete')));
  for (const { prefix, kind, version } of places.filter(({ room }) => room === 'ledger')) {
    for await (const place of keyring.records.places(prefix)) {
      const sealed = await keyring.records.sealed(place);
      if (sealed === undefined) continue;
      const opened = keyring.records.unseal(place, kind, sealed);
      if (opened === undefined) damaged.push(ofLedger(new IntegrityError(place, 'altered')));
      else checkVersion(place, opened, version);
    }
  }
  return damaged;
}

function ofLedger(error: IntegrityError): Diagnosis {
  if (!/^(requests|results)\//.test(error.place)) return ofNode(error);
  return {
    code: error.code,
    place: error.place,
    problem: error.problem,
    meaning: `this node refuses the requests whose ids begin so, and does everything else: ${meaningOf(error.place)}, and a second answer could differ from the first`,
    remedy: `nothing: the other members answer them. Look after the disk; or ${newestCopy}`,
  };
}

async function ofAudit(keyring: Keyring): Promise<readonly Diagnosis[]> {
  const verdict = await AuditLog.open(keyring.records)
    .then(async (log) => log.verify())
    .catch((error: unknown) => {
      if (error instanceof StoreError || error instanceof VersionError) throw error;
      return { ok: false, firstBad: undefined } as const;
    });
  if (verdict.ok) return [];
  const place = verdict.firstBad === undefined ? 'the end of the audit log' : `audit entry ${verdict.firstBad}`;
  return [
    {
      code: 'audit-broken',
      place,
      problem: 'missing, altered or out of the chain',
      meaning: 'from there on the log does not prove what this node did; near its end, the node does not start',
      remedy: `compare with the head that you keep elsewhere; ${newestCopy}`,
    },
  ];
}

function meaningOf(place: string): string {
  if (place === 'counter') return 'nobody can rely on what this node remembers';
  if (place === 'node' || place === 'pages') return 'records are gone, and it is not known which';
  if (place.startsWith('copies/')) return 'the second copy of a share';
  if (place.startsWith('key/')) return 'records of the key are gone or are older ones';
  return placeInfo(place).means;
}
