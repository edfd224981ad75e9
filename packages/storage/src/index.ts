export type { Annex } from './annex.ts';
export { type AuditEntry, type AuditFields, line as auditLine } from './audit/entry.ts';
export * from './audit/log.ts';
export * from './database.ts';
export { StoreDamage, traceOf } from './database-files.ts';
export * from './doctor.ts';
export type { EpochInfo, KeyInfo } from './keys/entry.ts';
export * from './keys/errors.ts';
export type { Finding } from './keys/finding.ts';
export type { Material, PreparedEpoch, ShareCheck } from './keys/prepared.ts';
export * from './keys/repository.ts';
export { type Ban, BanLedger } from './ledger/bans.ts';
export { type Blame as RecordedBlame, BlameLedger } from './ledger/blames.ts';
export * from './ledger/boot.ts';
export * from './ledger/errors.ts';
export {
  type Doubt,
  judgeStanding,
  MarkLedger,
  type OwnMark,
  type OwnState,
  type Standing,
  type Verdict,
} from './ledger/marks.ts';
export * from './ledger/requests.ts';
export * from './ledger/sessions.ts';
export { acceptLostCounter } from './lost-counter.ts';
export * from './memory.ts';
export {
  type Damage,
  IntegrityError,
  RollbackError,
  UnlockError,
  type UnlockErrorCode,
  VersionError,
} from './sealing/errors.ts';
export * from './sealing/hierarchy.ts';
export { createKeyFile, isPrivate, KeyFileError, type KeyFileErrorCode, readKeyFile } from './sealing/keyfile.ts';
export type { Manifest } from './sealing/manifest.ts';
export type { Kdf, KdfParameters } from './sealing/passphrase.ts';
export type { Owner, Sealer } from './sealing/record.ts';
export { SealedStore } from './sealing/sealed-store.ts';
export { type Store, StoreError, type StoreErrorCode, type StoreOperation } from './store.ts';
