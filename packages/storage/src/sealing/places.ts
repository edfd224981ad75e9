/** What the loss of a record means, and so who notices when. */
export type Room =
  /** The node as a whole cannot do without: checked at every start, which fails without it. */
  | 'node'
  /** One key's: checked at every start; damage quarantines the key. */
  | 'key'
  /** Two parties': each record is known by itself, so that damage is one pair's, which can be set up anew. */
  | 'pair'
  /** Append-only and growing: checked in pages, at the latest before anything in the page is said to be absent. */
  | 'ledger'
  /** Covered by something else. */
  | 'uncovered';

export interface PlaceInfo {
  /** The whole place, or all that begins so if it ends in `/`. */
  readonly prefix: string;
  /** What its records are sealed as. */
  readonly kind: string;
  readonly room: Room;
  /** The latest version that its plaintext may begin with; none where a key lies there bare, or what the node encodes. */
  readonly version?: number;
  /** What is lost with such a record, for an operator. */
  readonly means: string;
}

/** Every place of a store. A record that is not listed here cannot be written: nothing is kept that nobody checks. */
export const places: readonly PlaceInfo[] = [
  { prefix: 'header', kind: 'header', room: 'node', means: 'the way into the store' },
  { prefix: 'identity', kind: 'identity', room: 'node', means: 'who this node is' },
  {
    prefix: 'boot',
    kind: 'boot',
    room: 'node',
    version: 1,
    means: 'how often this node was started, which keeps sessions apart',
  },
  { prefix: 'audit-head', kind: 'audit-head', room: 'node', version: 1, means: 'the end of the audit log' },
  { prefix: 'bans/', kind: 'ban', room: 'node', version: 1, means: 'a node with which no ECDSA session may be held' },
  { prefix: 'blames/', kind: 'blame', room: 'node', version: 1, means: 'the proof that a node cheated' },
  { prefix: 'checks/', kind: 'check', room: 'node', version: 1, means: 'a check that a crash left half done' },
  { prefix: 'marks/', kind: 'mark', room: 'node', version: 1, means: 'how far the others were when last seen' },
  { prefix: 'keys/', kind: 'key', room: 'key', version: 1, means: "a key's name and scheme" },
  {
    prefix: 'epochs/',
    kind: 'epoch',
    room: 'key',
    version: 1,
    means: 'the public part of an epoch, and how far it came',
  },
  { prefix: 'data-keys/', kind: 'data-key', room: 'key', means: 'what opens the share of an epoch' },
  { prefix: 'shares/', kind: 'share', room: 'key', means: 'the share of an epoch' },
  { prefix: 'material/', kind: 'material', room: 'pair', means: 'what was set up with another party' },
  { prefix: 'sessions/', kind: 'session', room: 'ledger', version: 1, means: 'that the nonces of a session are used' },
  { prefix: 'requests/', kind: 'request', room: 'ledger', version: 1, means: 'what a client asked' },
  { prefix: 'results/', kind: 'result', room: 'ledger', version: 1, means: 'what a client was answered' },
  // A chain of its own, whose head is covered.
  { prefix: 'audit/', kind: 'audit', room: 'uncovered', version: 1, means: 'an entry of the audit log' },
  { prefix: 'pages/', kind: 'page', room: 'uncovered', version: 1, means: 'the count and sum of some records' },
  { prefix: 'manifest', kind: 'manifest', room: 'uncovered', version: 1, means: 'the count and sum of all records' },
];

/** @throws {RangeError} for a place that is not listed */
export function placeInfo(place: string): PlaceInfo {
  const found = places.find(({ prefix }) => (prefix.endsWith('/') ? place.startsWith(prefix) : place === prefix));
  if (found === undefined) throw new RangeError(`${place} is not a place of the store`);
  return found;
}

/** The group of records that share a page of the manifest: `node`, `key/<key id>`, `pairs/<key id>`, `sessions/<two digits>`; or none. */
export function groupOf(place: string): string | undefined {
  const { prefix, room } = placeInfo(place);
  const id = place.slice(prefix.length);
  switch (room) {
    case 'node':
      return 'node';
    case 'key':
      return `key/${id.split('/', 1)[0]}`;
    case 'pair':
      return `pairs/${id.split('/', 1)[0]}`;
    case 'ledger':
      // Ids are hashes: the first two digits spread them evenly.
      return `${prefix}${id.slice(0, 2)}`;
    case 'uncovered':
      return undefined;
  }
}

/** Where the records of a group are: prefixes, of which none begins another. */
export function prefixesOf(group: string): readonly string[] {
  if (group === 'node') return places.filter(({ room }) => room === 'node').map(({ prefix }) => prefix);
  const [kind = '', id = ''] = group.split('/', 2);
  const room = ({ key: 'key', pairs: 'pair' } as const)[kind];
  return room === undefined ? [group] : places.filter((one) => one.room === room).map(({ prefix }) => `${prefix}${id}`);
}
