import { isDeepStrictEqual } from 'node:util';
import { ascii, Secret, seeded, toHex } from '@quorate/protocol';
import {
  AuditError,
  AuditLog,
  BanLedger,
  BlameLedger,
  countBoot,
  IntegrityError,
  KeyRepository,
  type Keyring,
  MarkLedger,
  openKeyring,
  RequestLedger,
  RollbackError,
  type Root,
  SessionLedger,
  type Store,
  StoreError,
  UnlockError,
  VersionError,
} from '../src/index.ts';
import { collect, keyFileRoot, keyring, owner, sealer } from './fixtures.ts';

const id = (byte: number): Uint8Array => seeded(ascii(`id ${byte}`)).bytes(32);
export const keyIds: readonly Uint8Array[] = [id(1), id(2)];
const ready = new Uint8Array(32).fill(0x55);
const requests = [10, 11, 12].map(id);
const sids = [20, 21, 22].map(id);
const node = id(30);
const anything = (): void => {};

/** The share of an epoch of a key in {@link fill}. */
function shareOf(keyId: Uint8Array, epoch: number): Uint8Array {
  return seeded(ascii(`share ${toHex(keyId)} ${epoch}`)).bytes(32);
}

/** Lets a node live: every kind of record is written, some of them changed and removed. */
export async function fill(
  store: Store,
  seen: () => Promise<void> = async () => {},
  root: Root = keyFileRoot(),
): Promise<void> {
  const unlocked = await keyring(store, sealer(), root);
  const { records } = unlocked;
  await records.put('identity', 'identity', id(40));
  await countBoot(records);
  const [keys, audit] = [await KeyRepository.open(unlocked), await AuditLog.open(records)];
  for (const [i, keyId] of keyIds.entries()) {
    for (const epoch of [1, 2, 3]) {
      using share = new Secret(shareOf(keyId, epoch));
      using pair = new Secret(seeded(ascii(`pair ${epoch}`)).bytes(500));
      const material = new Map([[2, pair]]);
      const what = { keyId, epoch, name: `key ${i}`, scheme: 'ecdsa', publicPackage: ascii('package'), ready };
      await keys.prepare({ ...what, share, material, createdAt: 1 }, anything);
      if (epoch < 3) await keys.certify(keyId, epoch, ready, ascii('certificate'));
      if (epoch < 3) await keys.activate(keyId, epoch);
      await seen();
    }
    using again = new Secret(id(50));
    await keys.materials.replace(keyId, 2, 2, again);
    await keys.materials.drop(keyId, 3, [2]);
    await keys.freeze(keyId, i === 0);
  }
  await keys.shred(keyIds[1] as Uint8Array, 1);
  await seen();
  const [asked, sessions] = [new RequestLedger(records), new SessionLedger(records)];
  for (const request of requests) {
    await asked.register(request, ready, 5000, ascii('sign this'));
    await asked.recordResult(request, ascii('signature'));
  }
  for (const [i, sid] of sids.entries()) {
    const check = { keyId: keyIds[0] as Uint8Array, epoch: 2, parties: [2] };
    await sessions.spend({ sid, round: 'offers', digest: ready }, i > 0 ? check : undefined);
  }
  await sessions.answered(sids[1] as Uint8Array, 'offers');
  await seen();
  const [bans, marks] = [await BanLedger.open(records), await MarkLedger.open(records)];
  await bans.ban({ node, session: sids[0] as Uint8Array, time: 9 });
  await bans.ban({ node: id(31), session: sids[0] as Uint8Array, time: 9 });
  await bans.lift(id(31));
  await marks.observe(node, { bootEpoch: new Uint8Array(24).fill(1), counter: 4, statement: ascii('signed') });
  await marks.raise(keyIds[0] as Uint8Array, 2);
  await seen();
  await new BlameLedger(records).record({
    session: sids[0] as Uint8Array,
    party: 2,
    node,
    evidence: { code: 'bad-share', accused: 2, envelopes: [ascii('one')], opening: ascii('opening') },
    time: 7,
  });
  for (let i = 0; i < 5; i++) await audit.append(i, 'sign.accepted', { request: i });
  await marks.observe(node, { bootEpoch: new Uint8Array(24).fill(2), counter: 1, statement: ascii('signed again') });
  await countBoot(records);
  unlocked.close();
}

/** Everything that a node can be asked about its store, or the typed error that it refuses with. */
export type Survey =
  | { readonly refused: string }
  | { readonly node: unknown; readonly keys: ReadonlyMap<string, unknown>; readonly findings: readonly string[] };

/** What can be asked about a key, and what is set up with others, by epoch and party. */
interface Asked {
  readonly key: unknown;
  readonly pairs: ReadonlyMap<string, string | undefined>;
}

/** Opens a store as a node does, and asks it everything. @throws whatever is not a typed refusal */
export async function survey(store: Store, root: Root = keyFileRoot()): Promise<Survey> {
  try {
    const unlocked = await openKeyring(store, root, owner, sealer('survey'));
    const keys = await KeyRepository.open(unlocked);
    const answers = await askAll(unlocked);
    const found = new Map<string, unknown>();
    for (const key of keys.list())
      found.set(toHex(key.keyId), key.quarantined === undefined ? await ask(keys, key.keyId) : 'quarantined');
    return { node: answers, keys: found, findings: keys.takeFindings().map(({ kind }) => kind) };
  } catch (error) {
    const isTyped = [AuditError, IntegrityError, RollbackError, StoreError, UnlockError, VersionError].some(
      (one) => error instanceof one,
    );
    if (!isTyped) throw error;
    return { refused: (error as { readonly code: string }).code };
  }
}

/**
 * What became of an attack or a fault: `detected`, `healed`, or `harmless`.
 * @throws if something was lost or altered, and nobody was told
 */
export function verdict(truth: Survey, found: Survey): 'detected' | 'healed' | 'harmless' {
  if ('refused' in found) return 'detected';
  if ('refused' in truth) throw new Error('the truth is refused');
  if (!isDeepStrictEqual(found.node, truth.node)) throw new Error('the node was told something else than it wrote');
  let isDetected = false;
  for (const [keyId, key] of truth.keys) {
    if (!found.keys.has(keyId)) throw new Error('no such key');
    if (found.keys.get(keyId) === 'quarantined') isDetected = true;
    else {
      const now = found.keys.get(keyId) as Asked;
      const { key: was, pairs } = key as Asked;
      if (!isDeepStrictEqual(now.key, was)) throw new Error('a key is not what it was');
      for (const [place, pair] of now.pairs)
        if (pairs.get(place) !== pair) throw new Error('what is set up with a party is not what it was');
      if (now.pairs.size < pairs.size) {
        if (!found.findings.includes('pair-quarantined')) throw new Error('what was set up with a party is gone');
        isDetected = true;
      }
    }
  }
  if (isDetected) return 'detected';
  return found.findings.length > 0 ? 'healed' : 'harmless';
}

async function ask(keys: KeyRepository, keyId: Uint8Array): Promise<Asked> {
  const info = keys.get(keyId);
  const shares: string[] = [];
  const pairs = new Map<string, string | undefined>();
  for (const { epoch, state, material } of info?.epochs ?? []) {
    if (state === 'retiring' || state === 'shredded') continue;
    using share = await keys.share(keyId, epoch);
    shares.push(share.use(toHex));
    for (const party of material) {
      using pair = await keys.materials.get(keyId, epoch, party);
      pairs.set(`${epoch}/${party}`, pair?.use(toHex));
    }
  }
  const epochs = info?.epochs.map(({ material: _, ...epoch }) => epoch);
  return { key: { ...info, epochs, current: info?.current?.epoch, shares }, pairs };
}

async function askAll({ records }: Keyring): Promise<unknown> {
  const asked = new RequestLedger(records);
  const sessions = await Promise.all(sids.map(async (sid) => records.get(`sessions/${toHex(sid)}/offers`, 'session')));
  const audit = await AuditLog.open(records);
  const verdict = await audit.verify();
  if (!verdict.ok) throw new AuditError('audit-broken', 'a gap');
  return {
    identity: await records.get('identity', 'identity'),
    boot: await records.get('boot', 'boot'),
    requests: await Promise.all(requests.map(async (request) => asked.get(request))),
    sessions,
    checks: await collect(new SessionLedger(records).unanswered()),
    bans: (await BanLedger.open(records)).list(),
    blames: await collect(new BlameLedger(records).all()),
    marks: (await MarkLedger.open(records)).peers(),
    audit: await collect(audit.entries()),
  };
}
