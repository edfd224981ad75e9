import { equal, type Party, type Registration, type Start } from '@quorate/protocol';

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
  /** Who named each party as silent or cheating, in this request. Each counts once, however often it complains. */
  readonly complaints: ReadonlyMap<Party, ReadonlySet<Party>>;
  /** How many sessions each party was in, none of which came to an end. */
  readonly attended: ReadonlyMap<Party, number>;
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

/** Milliseconds to wait once enough are there: for those whose turn it is, and for others than those who failed before. */
export interface Grace {
  readonly turn: number;
  readonly complaint: number;
}

export function gather(gathering: Gathering, event: GatheringEvent, advice: Advice, grace: Grace): GatheringStep {
  const after = event.type === 'registered' ? registered(gathering, event.party, event.registration) : gathering;
  const candidates = ranked(after, advice);
  const present = seatable(
    after,
    candidates.filter((party) => after.registrations.has(party)),
  );
  const prepared = offered(after, present, advice);
  if (prepared !== undefined) return begin(after, prepared.parties, prepared.presignature);
  if (present.length < after.need) return { gathering: { ...after, enoughSince: undefined }, start: undefined };
  const enoughSince = after.enoughSince ?? event.now;
  const chosen = present.slice(0, after.need);
  const preferred = candidates.slice(0, after.need).every((party) => after.registrations.has(party));
  const quick = preferred && !mayBeOffered(after, advice);
  const wait = chosen.some((party) => after.complaints.has(party)) ? grace.complaint : quick ? 0 : grace.turn;
  if (event.now - enoughSince < wait) return { gathering: { ...after, enoughSince }, start: undefined };
  return begin(after, chosen, new Uint8Array(0));
}

/** The first presignature that all who made it offer, if nobody is in their way, nor has complained of any of them. */
function offered(
  { complaints, need, registrations }: Gathering,
  present: readonly Party[],
  { live, suspected }: Advice,
): { readonly parties: readonly Party[]; readonly presignature: Uint8Array } | undefined {
  const fit = (party: Party): boolean =>
    present.includes(party) && live.has(party) && !suspected.has(party) && !complaints.has(party);
  for (const { presigned } of registrations.values()) {
    const { ids, signers } = presigned;
    if (signers.length < need || !signers.every(fit)) continue;
    const presignature = ids.find((id) =>
      signers.every((party) => {
        const theirs = registrations.get(party)?.presigned;
        return theirs?.ids.some((one) => equal(one, id)) === true && sameParties(theirs.signers, signers);
      }),
    );
    if (presignature !== undefined) return { parties: signers, presignature };
  }
  return undefined;
}

/** Whether a presignature is offered by some of its signers, and the others may come yet: that is worth a short wait. */
function mayBeOffered({ registrations }: Gathering, { live, suspected }: Advice): boolean {
  const mayCome = (party: Party): boolean => live.has(party) && !suspected.has(party);
  const offers = [...registrations.values()].map(({ presigned }) => presigned).filter(({ ids }) => ids.length > 0);
  return offers.some(({ signers }) => {
    const missing = signers.filter((party) => !registrations.has(party));
    const theirs = signers.flatMap((party) => registrations.get(party)?.presigned ?? []);
    return missing.length > 0 && missing.every(mayCome) && theirs.every((one) => sameParties(one.signers, signers));
  });
}

function sameParties(a: readonly Party[], b: readonly Party[]): boolean {
  return a.length === b.length && a.every((party, i) => party === b[i]);
}

/**
 * Live first, then the least complained of and least used in vain, then unsuspected, then by the request's own order: so
 * every member gets its turn. A liar adds one complaint to each honest member, and never more; sessions that it spoils
 * count against it as against the others, and bring it the complaints of all who were in them.
 */
function ranked({ order, complaints, attended }: Gathering, { live, suspected }: Advice): readonly Party[] {
  const demerits = (party: Party): number =>
    (live.has(party) ? 0 : 1_000_000) +
    ((complaints.get(party)?.size ?? 0) + (attended.get(party) ?? 0)) * 2 +
    (suspected.has(party) ? 1 : 0);
  return order.toSorted((a, b) => demerits(a) - demerits(b));
}

/**
 * As many as can sit together, in order: nobody beside one that it bans. Who bans others comes after those who ban nobody,
 * so that a false claim costs its claimant the seat, and nobody else. If these are too few, a cheat may be in the way of all
 * who banned it: then whoever stands in the way of most goes first.
 */
function seatable({ registrations, need }: Gathering, candidates: readonly Party[]): readonly Party[] {
  const avoidedBy = (party: Party): readonly Party[] => registrations.get(party)?.apart ?? [];
  const quarrels = new Map(
    candidates.map((one) => [
      one,
      new Set(
        candidates.filter(
          (other) => other !== one && (avoidedBy(one).includes(other) || avoidedBy(other).includes(one)),
        ),
      ),
    ]),
  );
  const [peaceful, others] = [true, false].map((none) =>
    candidates.filter((one) => (avoidedBy(one).length === 0) === none),
  );
  const seated: Party[] = [];
  for (const party of [...(peaceful ?? []), ...(others ?? [])]) {
    if (!seated.some((one) => quarrels.get(one)?.has(party))) seated.push(party);
  }
  if (seated.length < need) return apart(quarrels, candidates, need) ?? [];
  return candidates.filter((party) => seated.includes(party));
}

/** Steps of a search that liars could make long; with one liar it takes none back. */
const SEARCH_STEPS = 1_000;

/** `need` of `candidates` or more, no two of whom quarrel, if some are found. */
function apart(
  quarrels: ReadonlyMap<Party, ReadonlySet<Party>>,
  candidates: readonly Party[],
  need: number,
): readonly Party[] | undefined {
  let steps = 0;
  const search = (left: readonly Party[]): readonly Party[] | undefined => {
    if (left.length < need || ++steps > SEARCH_STEPS) return undefined;
    const all = left.map((party) => ({ party, enemies: left.filter((one) => quarrels.get(party)?.has(one)) }));
    const { party: worst, enemies } = all.reduce((a, b) => (b.enemies.length > a.enemies.length ? b : a));
    if (enemies.length === 0) return left;
    // Either it goes, or all with whom it quarrels.
    const without = search(left.filter((party) => party !== worst));
    if (without !== undefined || enemies.length === 1) return without;
    return search(left.filter((party) => !enemies.includes(party)));
  };
  return search(candidates);
}

function registered(gathering: Gathering, party: Party, registration: Registration): Gathering {
  if (!gathering.order.includes(party)) return gathering;
  const complaints = new Map(gathering.complaints);
  for (const avoided of registration.avoid) {
    if (avoided !== party) complaints.set(avoided, new Set([...(complaints.get(avoided) ?? []), party]));
  }
  return { ...gathering, complaints, registrations: new Map([...gathering.registrations, [party, registration]]) };
}

/** A registration is used once. */
function begin(gathering: Gathering, parties: readonly Party[], presignature: Uint8Array): GatheringStep {
  const { network, kind, request, digest, epoch, attempt } = gathering;
  const registrations = new Map(gathering.registrations);
  const participants = parties
    .toSorted((a, b) => a - b)
    .map((party) => ({ party, registration: registrations.get(party) as Registration }));
  const attended = new Map(gathering.attended);
  for (const party of parties) {
    registrations.delete(party);
    attended.set(party, (attended.get(party) ?? 0) + 1);
  }
  return {
    gathering: { ...gathering, registrations, attended, enoughSince: undefined, attempt: attempt + 1 },
    start: { network, kind, request, digest, epoch, attempt, presignature, participants },
  };
}
