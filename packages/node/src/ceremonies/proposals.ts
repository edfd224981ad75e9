import { EncodingError, tryDecode, wire } from '@quorate/protocol';
import type { AuditFields } from '@quorate/storage';
import type { SignedFormat } from '../policy/signed.ts';
import { ServiceError } from '../service.ts';
import type { Workshop } from './task.ts';

type Format<T> = Pick<SignedFormat<T & { readonly signature: Uint8Array }, never>, 'codec' | 'digest'>;

/** What `body` encodes: a proposal, or whatever else is asked for. @throws {ServiceError} `invalid` */
export function decodeProposal<T>({ codec }: Pick<Format<T>, 'codec'>, body: Uint8Array, what = 'a proposal'): T {
  try {
    return wire.decode(codec, body);
  } catch (error) {
    if (error instanceof EncodingError) throw new ServiceError('invalid', `not ${what}: ${error.message}`);
    throw error;
  }
}

/** The id of the proposal that `body` encodes, if it is one. */
export function idIn<T>({ codec, digest }: Format<T>, body: Uint8Array): Uint8Array | undefined {
  const decoded = tryDecode(codec, body);
  return decoded === undefined ? undefined : digest(decoded.value);
}

/** The name of the key that the encoded proposal is about, if it is one. */
export function keyIn<T extends { readonly key: string }>(
  { codec }: Pick<Format<T>, 'codec'>,
  body: Uint8Array,
): string | undefined {
  return tryDecode(codec, body)?.value.key;
}

/**
 * Judges a proposal, and writes down what comes of it, a refusal too.
 * @param found what the record says of a proposal that was not refused, beside `record`
 */
export async function judged<T extends { readonly decision: 'auto' | 'ask' }>(
  kind: string,
  record: AuditFields,
  workshop: Pick<Workshop, 'audit' | 'clock'>,
  judge: () => T,
  found?: (judged: T) => AuditFields,
): Promise<T> {
  return await orRefused(kind, record, workshop, async () => {
    const verdict = judge();
    const decision = verdict.decision === 'auto' ? 'approved' : 'asked';
    await workshop.audit.append(workshop.clock.now(), `${kind}-${decision}`, { ...record, ...found?.(verdict) });
    return verdict;
  });
}

/** Does what may end in a refusal, and writes it down if it does. */
export async function orRefused<T>(
  kind: string,
  record: AuditFields,
  { audit, clock }: Pick<Workshop, 'audit' | 'clock'>,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ServiceError)
      await audit.append(clock.now(), `${kind}-refused`, { ...record, reason: error.code });
    throw error;
  }
}
