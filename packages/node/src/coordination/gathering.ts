import type { Party, Registration, Start } from '@quorate/protocol';

/**
 * What a coordinator does: it puts registrations side by side. It is trusted with nothing: it sees no share, every
 * participant checks the Start against the request that it verified itself, and two coordinators at once only make two
 * sessions. Pure: `(gathering, event) → gathering and perhaps a Start`.
 */
export interface Gathering {
  readonly network: Uint8Array;
  readonly kind: number;
  readonly request: Uint8Array;
  readonly digest: Uint8Array;
  readonly epoch: number;
  /** How many must take part: all for a keygen, the threshold for a signature. */
  readonly need: number;
  /** Everybody who may take part, in this request's order of preference. */
  readonly order: readonly Party[];
  /** The latest unused registration of each. */
  readonly registrations: ReadonlyMap<Party, Registration>;
  /** How often each party was named as silent or cheating by others, in this request. */
  readonly complaints: ReadonlyMap<Party, number>;
  /** When enough had registered, on the monotonic clock; undefined while they have not. */
  readonly enoughSince: number | undefined;
  readonly attempt: number;
}

export type GatheringEvent =
  | { readonly type: 'registered'; readonly party: Party; readonly registration: Registration; readonly now: number }
  | { readonly type: 'tick'; readonly now: number };

/** What the coordinator happens to know. Advice: it decides whom to prefer, never who may. */
export interface Advice {
  readonly live: ReadonlySet<Party>;
  readonly suspected: ReadonlySet<Party>;
}

export interface GatheringStep {
  readonly gathering: Gathering;
  readonly start: Start | undefined;
}

export function gather(gathering: Gathering, event: GatheringEvent, advice: Advice, grace: number): GatheringStep {
  const after = event.type === 'registered' ? registered(gathering, event.party, event.registration) : gathering;
  const candidates = ranked(after, advice);
  const present = candidates.filter((party) => after.registrations.has(party));
  if (present.length < after.need) return { gathering: { ...after, enoughSince: undefined }, start: undefined };
  const enoughSince = after.enoughSince ?? event.now;
  const preferred = candidates.slice(0, after.need).every((party) => after.registrations.has(party));
  if (!preferred && event.now - enoughSince < grace) return { gathering: { ...after, enoughSince }, start: undefined };
  return begin(after, present.slice(0, after.need));
}

/** Live first, then the least complained of, then unsuspected, then by the request's own order: so every member gets its turn. */
function ranked({ order, complaints }: Gathering, { live, suspected }: Advice): readonly Party[] {
  const demerits = (party: Party): number =>
    (live.has(party) ? 0 : 1_000_000) + (complaints.get(party) ?? 0) * 2 + (suspected.has(party) ? 1 : 0);
  return order.toSorted((a, b) => demerits(a) - demerits(b));
}

function registered(gathering: Gathering, party: Party, registration: Registration): Gathering {
  if (!gathering.order.includes(party)) return gathering;
  const complaints = new Map(gathering.complaints);
  const before = new Set(gathering.registrations.get(party)?.avoid);
  for (const avoided of new Set(registration.avoid)) {
    if (avoided !== party && !before.has(avoided)) complaints.set(avoided, (complaints.get(avoided) ?? 0) + 1);
  }
  return { ...gathering, complaints, registrations: new Map([...gathering.registrations, [party, registration]]) };
}

/** A registration is used once. */
function begin(gathering: Gathering, parties: readonly Party[]): GatheringStep {
  const { network, kind, request, digest, epoch, attempt } = gathering;
  const registrations = new Map(gathering.registrations);
  const participants = parties
    .toSorted((a, b) => a - b)
    .map((party) => ({ party, registration: registrations.get(party) as Registration }));
  for (const party of parties) registrations.delete(party);
  return {
    gathering: { ...gathering, registrations, enoughSince: undefined, attempt: attempt + 1 },
    start: { network, kind, request, digest, epoch, attempt, participants },
  };
}
