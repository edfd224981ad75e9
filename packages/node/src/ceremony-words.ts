import type { CeremonyView } from './service.ts';

/** What the operator runs to let a ceremony go on that waits for it. Who joins a committee says which key it is about. */
export function acceptWith({ id, proposal }: Pick<CeremonyView, 'id' | 'proposal'>): string {
  const pinned = proposal?.reshare?.mustConfirm === true ? ' --public-key <the key, from somebody you trust>' : '';
  return `quorate ceremonies accept ${shortId(id)}${pinned}`;
}

/** What operators call it: a renewal is one of two things. */
export function nounOf({ kind, proposal }: Pick<CeremonyView, 'kind' | 'proposal'>): string {
  if (kind !== 'renew') return kind;
  return proposal?.reshare === undefined ? 'refresh' : 'reshare';
}

/** A ceremony's id as lists show it; every command takes an unambiguous beginning. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
