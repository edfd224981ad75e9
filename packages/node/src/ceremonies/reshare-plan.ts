import { equal, type Member, type Party, type PublicPackage } from '@quorate/protocol';
import type { ReshareView } from '../service.ts';
import { mustRefresh } from './imports.ts';
import { majority, meaningOf } from './keygen.ts';

/** A reshare that somebody has in mind. */
export interface Plan {
  /** The package in use. */
  readonly base: PublicPackage;
  /** The nodes of the new committee. */
  readonly nodes: readonly Uint8Array[];
  readonly threshold: number;
  readonly allowLowThreshold: boolean;
  /** The key is refreshed no more by itself: then operators may deal it anew to the same committee. */
  readonly isStuck: boolean;
}

/** What a plan is seen with. */
export interface Surroundings {
  readonly publicKey: string;
  nameOf(node: Uint8Array): string;
  /** Whether it is this node: who proposes has a part in it. */
  isSelf(node: Uint8Array): boolean;
  isLive(node: Uint8Array): boolean;
  /** Whether it was rolled back, or runs twice, and is not live for that. */
  isDoubted(node: Uint8Array): boolean;
  /** Whether it was silent a moment ago, or cheated: it deals only if there are too few others. */
  isSuspected(node: Uint8Array): boolean;
}

/** The parties of a committee, numbered in the order of their node keys. */
export function membersOf(nodes: readonly Uint8Array[]): readonly Member[] {
  return nodes.toSorted((a, b) => Buffer.compare(a, b)).map((node, i) => ({ party: i + 1, node }));
}

/** Who is in only one of two committees. */
export function changesOf(
  base: Pick<PublicPackage, 'members'>,
  members: readonly Pick<Member, 'node'>[],
): { readonly joining: readonly Uint8Array[]; readonly leaving: readonly Uint8Array[] } {
  const without = (these: readonly Pick<Member, 'node'>[], those: readonly Pick<Member, 'node'>[]) =>
    these.map(({ node }) => node).filter((node) => !those.some((one) => equal(one.node, node)));
  return { joining: without(members, base.members), leaving: without(base.members, members) };
}

/** Whether a committee and its threshold are those that are there: what follows is no more than a refresh. */
export function isUnchanged(
  base: Pick<PublicPackage, 'members' | 'threshold'>,
  next: { readonly members: readonly Pick<Member, 'node'>[]; readonly threshold: number },
): boolean {
  const { joining, leaving } = changesOf(base, next.members);
  return joining.length === 0 && leaving.length === 0 && next.threshold === base.threshold;
}

/**
 * As many as must sign, of those who are there, by their numbers: who proposes it first, and who stays rather than who leaves, even
 * if it was silent a moment ago, for without it nothing comes of it anyway, and who leaves may be what is wrong. Fewer if there are fewer.
 */
export function dealersOf({ base, nodes }: Plan, { isLive, isSelf, isSuspected }: Surroundings): readonly Party[] {
  const rank = ({ node }: Member): number =>
    isSelf(node) ? -1 : (nodes.some((one) => equal(one, node)) ? 0 : 2) + (isSuspected(node) ? 1 : 0);
  return base.members
    .filter(({ node }) => isLive(node))
    .toSorted((a, b) => rank(a) - rank(b))
    .slice(0, base.threshold)
    .map(({ party }) => party)
    .toSorted((a, b) => a - b);
}

/** What a reshare changes, and what keeps it from beginning. */
export function previewOf(plan: Plan, surroundings: Surroundings): ReshareView {
  const { base, nodes, threshold } = plan;
  const { isLive, nameOf, publicKey } = surroundings;
  const members = membersOf(nodes);
  const { joining, leaving } = changesOf(base, members);
  const dealers = dealersOf(plan, surroundings);
  const deals = (node: Uint8Array): boolean =>
    base.members.some((one) => equal(one.node, node) && dealers.includes(one.party));
  const change = (node: Uint8Array): ReshareView['members'][number]['change'] => {
    if (joining.some((one) => equal(one, node))) return 'joins';
    return leaving.some((one) => equal(one, node)) ? 'leaves' : 'stays';
  };
  const everybody = [...base.members.map(({ node }) => node), ...joining];
  return {
    key: base.name,
    scheme: base.scheme,
    publicKey,
    epoch: base.epoch,
    before: { threshold: base.threshold, parties: base.members.length },
    after: { threshold, parties: members.length },
    members: everybody.map((node) => ({
      name: nameOf(node),
      change: change(node),
      deals: deals(node),
      connected: isLive(node),
    })),
    notes: notesOn(plan, joining.map(nameOf), leaving.map(nameOf)),
    problems: problemsOf(plan, dealers, surroundings),
  };
}

function notesOn({ base, nodes, threshold }: Plan, joining: readonly string[], leaving: readonly string[]): string[] {
  return [
    ...(threshold >= 2 && threshold <= nodes.length ? [meaningOf(threshold, nodes.length)] : []),
    ...(joining.length === 0
      ? []
      : [
          `joining: ${list(joining)}. Unless its rules or pins say otherwise, each needs its operator's yes, with the public key`,
        ]),
    ...(leaving.length === 0
      ? []
      : [
          `leaving: ${list(leaving)}. Old shares are destroyed once the new ones are in use; what backups hold of them stays`,
        ]),
    ...(base.scheme === 'ecdsa'
      ? ['every two members set up anew what they sign with, and presignatures are lost']
      : []),
    `the key ${mustRefresh(base) ? 'was imported: it signs nothing' : 'signs as before'} until the new shares are certified by everybody who gets one`,
  ];
}

function problemsOf(plan: Plan, dealers: readonly Party[], { isDoubted, isLive, nameOf }: Surroundings): string[] {
  const { allowLowThreshold, base, nodes, threshold } = plan;
  const n = nodes.length;
  const doubted = nodes.filter((node) => !isLive(node) && isDoubted(node)).map(nameOf);
  const away = nodes.filter((node) => !isLive(node) && !isDoubted(node)).map(nameOf);
  return [
    ...(isUnchanged(base, { members: nodes.map((node) => ({ node })), threshold }) && !plan.isStuck
      ? ['nothing would change: `quorate keys refresh` deals new shares to the same committee']
      : []),
    ...(threshold < 2 || threshold > n ? [`the threshold is 2 at least, and ${n} at most`] : []),
    ...(threshold < majority(n) && !allowLowThreshold
      ? [`a minority of ${threshold} of ${n} could forge: use ${majority(n)} or more, or --allow-low-threshold`]
      : []),
    ...(away.length === 0 ? [] : [`everybody who gets a share must be connected, and ${list(away)} ${is(away)} not`]),
    ...doubted.map(
      (name) => `${name} is doubted: it was rolled back, or runs twice, and can get no share until that is settled`,
    ),
    ...(dealers.length >= base.threshold
      ? []
      : [`${base.threshold} members must deal from their shares, and ${dealers.length} are connected`]),
  ];
}

/** The members and the threshold that would put others in the place of those who are away, if there is a way. */
export function replacementFor(
  base: PublicPackage,
  spare: readonly Uint8Array[],
  { isLive }: Pick<Surroundings, 'isLive'>,
): Pick<Plan, 'nodes' | 'threshold'> | undefined {
  const live = base.members.map(({ node }) => node).filter(isLive);
  const missing = base.members.length - live.length;
  const nodes = [...live, ...spare.filter(isLive).slice(0, missing)];
  const possible = missing > 0 && live.length >= base.threshold && nodes.length >= base.threshold;
  return possible ? { nodes, threshold: base.threshold } : undefined;
}

function list(names: readonly string[]): string {
  return names.join(', ');
}

function is({ length }: readonly string[]): string {
  return length === 1 ? 'is' : 'are';
}
