import { equal, toHex } from '@quorate/protocol';
import type { KeyInfo } from '@quorate/storage';
import type { Ceremonies } from './ceremonies/ceremonies.ts';
import { acceptWith, nounOf } from './ceremony-words.ts';
import { timeText } from './clock.ts';
import type { Config } from './config/config.ts';
import { limits } from './limits.ts';
import { publicKeyOf } from './network/identity.ts';
import type { PeerStatus } from './network/network.ts';
import type { CeremonyView, HealthView } from './service.ts';
import type { Standings } from './standing/standings.ts';

/** What warnings are drawn from. */
export interface Condition {
  readonly config: Config;
  readonly inRoster: boolean;
  readonly peers: readonly PeerStatus[];
  /** Connected peers whose roster is another. */
  readonly differing: readonly PeerStatus[];
  /** Of rollbacks and twins. */
  readonly standing: readonly string[];
  readonly keys: readonly KeyInfo[];
  /** Epochs whose shares were lost with a rollback, by key id. */
  readonly lost: ReturnType<Standings['lostShares']>;
  /** How many members of each key in use can be reached. */
  readonly reach: HealthView['keys'];
  readonly ceremonies: Pick<Ceremonies, 'list' | 'pairsWith' | 'refreshOf' | 'repairOf' | 'reshares'>;
}

/** What the operator should know, in sentences that end in what to do. */
export function warningsOf(condition: Condition): readonly string[] {
  const { ceremonies, config, inRoster, keys, lost, peers, reach, standing } = condition;
  return [
    ...(inRoster ? [] : ['this node is not in its own roster; add the line that `quorate init` printed']),
    ...aboutPeers(condition),
    ...standing,
    ...ceremonies.list().flatMap(waiting),
    ...keys.flatMap(quarantine),
    ...keys.flatMap(freeze),
    ...reach.flatMap(outOfReach),
    ...peers.flatMap((peer) => missingPairs(peer, ceremonies)),
    ...keys.flatMap((key) => lostShare(key, condition)),
    ...lost.flatMap((one) => unknownKey(one, keys)),
    ...keys.flatMap((key) => dueRefresh(key, ceremonies)),
    ...keys.flatMap(({ exported, name }) =>
      exported
        ? [`the private key of ${name} was exported, or this node's share: whoever has the key signs alone`]
        : [],
    ),
    ...(config.clients.length === 0 ? ['no clients are configured: nobody may ask this node to sign'] : []),
  ];
}

/** What the operator runs. The name of a damaged key may be lost; its operator knows it. */
export function repairWith(name: string): string {
  return `run \`quorate keys repair ${name || '<name>'}\``;
}

function aboutPeers({ differing, peers }: Condition): readonly string[] {
  const skewed = peers.filter(({ clockSkew }) => Math.abs(clockSkew ?? 0) > limits.clockSkewWarning);
  return [
    ...differing.map(({ name }) => `${name} has another roster; compare with \`quorate roster show\``),
    ...skewed.map(({ name, clockSkew }) => `the clock of ${name} differs by ${Math.round((clockSkew ?? 0) / 1000)} s`),
    ...peers.flatMap(({ name, refused }) => (refused === undefined ? [] : [`${name} is refused: ${refused}`])),
  ];
}

function waiting(ceremony: CeremonyView): readonly string[] {
  const { key, kind, needsAccept, proposal } = ceremony;
  if (!needsAccept || proposal === undefined) return [];
  const what = `the ${nounOf({ kind, proposal })} of ${key} that ${proposal.proposer} proposes`;
  const until = timeText(proposal.expires);
  return [
    `${what} waits for your yes until ${until}: \`${acceptWith(ceremony)}\`, once you know what it is${proposal.meaning === undefined ? '' : ` (${proposal.meaning})`}`,
  ];
}

/** It holds up more than this node: what needs everybody waits for its thaw. */
function freeze({ frozen, name }: KeyInfo): readonly string[] {
  if (!frozen) return [];
  const what = 'this node signs nothing with it, and deals no shares of it: nobody can refresh it';
  return [`the key ${name} is frozen here: ${what}, until \`quorate keys thaw ${name}\``];
}

function quarantine({ keyId, name, quarantined }: KeyInfo): readonly string[] {
  if (quarantined === undefined) return [];
  return [`the key ${name || toHex(keyId)} is quarantined: ${quarantined.message}; ${repairWith(name)}`];
}

/** Nobody can tell from here whether who is away is lost. */
function outOfReach({ name, online, parties, threshold }: HealthView['keys'][number]): readonly string[] {
  if (online >= threshold) return [];
  const reached = `${online} of the ${parties} members of ${name} can be reached, and ${threshold} must sign`;
  const remedy =
    'start the others; if so many are lost for good, the key is lost unless shares are restored from backups';
  return [`${reached}: the key cannot sign, nor be refreshed, reshared or repaired; ${remedy}`];
}

function missingPairs({ name, peer }: PeerStatus, ceremonies: Condition['ceremonies']): readonly string[] {
  const { missing } = ceremonies.pairsWith(publicKeyOf(peer));
  const setUp = 'it is set up anew as soon as both can; until then others sign';
  return missing === 0 ? [] : [`nothing is set up with ${name} for ${missing} ECDSA keys: ${setUp}`];
}

function lostShare({ keyId, name, quarantined }: KeyInfo, { ceremonies, lost }: Condition): readonly string[] {
  if (quarantined !== undefined) return [];
  const [, epoch] = lost.find(([id]) => equal(id, keyId)) ?? [];
  const rolledBack = epoch === undefined ? undefined : `the share of epoch ${epoch} was lost with a rollback`;
  const problem = rolledBack ?? ceremonies.repairOf(keyId);
  return problem === undefined ? [] : [`the key ${name} needs a repair: ${problem}; ${repairWith(name)}`];
}

/** Of a key from after the backup nothing is here, not even its name. */
function unknownKey([keyId, epoch]: Condition['lost'][number], keys: readonly KeyInfo[]): readonly string[] {
  if (keys.some((key) => equal(key.keyId, keyId))) return [];
  const which = `a key that was made after the backup, epoch ${epoch}`;
  const how = '`quorate keys repair <name> --public-key <hex>`, with both as `quorate keys show` prints them elsewhere';
  return [`the share of ${which}, was lost with a rollback: run ${how} (there its id is ${toHex(keyId)})`];
}

function dueRefresh(key: KeyInfo, ceremonies: Condition['ceremonies']): readonly string[] {
  const { dueAt, problem } = ceremonies.refreshOf(key) ?? {};
  if (problem === undefined || key.frozen) return [];
  const since = dueAt === undefined ? '' : `, overdue since ${timeText(dueAt)}`;
  const remedy = ceremonies.reshares.remedy(key);
  const how = remedy === undefined ? '' : `; if that stays so: \`${remedy}\``;
  return [`the shares of ${key.name} are due for a refresh${since}: ${problem}${how}`];
}
