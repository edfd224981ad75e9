import { toHex } from '@quorate/protocol';
import { type AuditLog, IntegrityError } from '@quorate/storage';
import { type AuditOrder, type AuditView, ServiceError } from './service.ts';

/** A page of the audit log: the entries after one, or the newest. @throws {ServiceError} `integrity` at an entry that is damaged */
export async function auditPage(log: Pick<AuditLog, 'entries' | 'head'>, order: AuditOrder): Promise<AuditView> {
  const { seq, hash } = log.head();
  const { most, after = Math.max(0, seq - most) } = order;
  const entries: AuditView['entries'][number][] = [];
  try {
    for await (const entry of log.entries(after)) {
      const { fields, kind, time } = entry;
      const hashes = { previous: toHex(entry.previous), hash: toHex(entry.hash) };
      if (entries.push({ sequence: entry.seq, time, kind, fields, ...hashes }) === most) break;
    }
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    throw new ServiceError('integrity', `${error.message}; stop the node and run \`quorate doctor\``);
  }
  return { entries, head: { sequence: seq, hash: toHex(hash) } };
}
