import { equal } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import { type Member, type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import type { Blame, Party } from '../protocol.ts';
import type { Scheme } from '../schemes.ts';
import { encode } from '../wire/codec.ts';
import { type Approval, verifyApproval } from './approval.ts';
import { type Certificate, CertificateError, comparePackages, readiesOf, verifyCertificate } from './certificate.ts';
import { blameConflict, packageDigest, type Ready, signReady, verifyReady } from './ready.ts';
import { differenceOf, isWanted, verifySuccession } from './succession.ts';

/**
 * The end of every ceremony that makes shares, for one key epoch at one member: all hold the epoch, or nobody uses it.
 * Pure: an event in, effects out.
 *
 * The shell carries out the effects of a step in order, each durable before the next begins, and stops the node if one
 * fails. After a restart it begins again from its disk: with `none` and the event `prepared` if there is a share, with
 * {@link certifiedActivation} and `resumed` if there is a certificate too.
 */
export interface ActivationContext {
  readonly network: Uint8Array;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** All members of the epoch, oneself included, ascending by party. */
  readonly members: readonly Member[];
  readonly me: Party;
  readonly key: NodeKey;
  readonly groupFor: (scheme: Scheme) => Group;
  readonly signatures: SignatureScheme;
  /** The certified package that this epoch renews; undefined for a new key. */
  readonly base?: PublicPackage | undefined;
}

export type ActivationState =
  /**
   * No share of this epoch is on the disk. Does not mean that the ceremony failed: others may be ready already, and
   * their READY are kept.
   */
  | ({ readonly type: 'none' } & Heard)
  /**
   * The share is on the disk, was read back, and READY is signed. It must be kept: no timeout ends this state, because
   * a certificate may exist or still come to exist. Does not mean that the share may be used.
   */
  | {
      readonly type: 'prepared';
      readonly publicPackage: PublicPackage;
      readonly digest: Uint8Array;
      readonly readies: Readies;
      readonly approvals: readonly Approval[];
    }
  /**
   * The certificate is on the disk: every member holds its share, and nothing but a higher epoch ever replaces this one.
   * Seen only after a stop between two effects. Does not mean that anybody else knows.
   */
  | {
      readonly type: 'certified';
      readonly publicPackage: PublicPackage;
      readonly certificate: Certificate;
      readonly readies: Readies;
      readonly approvals: readonly Approval[];
    }
  /** In use here. Does not mean that the others use it yet: whoever asks is sent the certificate. */
  | {
      readonly type: 'active';
      readonly publicPackage: PublicPackage;
      readonly certificate: Certificate;
      readonly readies: Readies;
      readonly approvals: readonly Approval[];
    }
  /**
   * A certificate carries our own READY for a package whose share is not here: this disk was rolled back, or the node key
   * is in use elsewhere. Others use the epoch; we cannot until our share is repaired. Nothing of it is kept on the disk:
   * a certificate there means that the share is there too. Blames nobody.
   */
  | {
      readonly type: 'recover';
      readonly publicPackage: PublicPackage;
      readonly certificate: Certificate;
      readonly readies: Readies;
      readonly approvals: readonly Approval[];
    };

/** What was signed about this epoch. */
interface Heard {
  readonly readies: Readies;
  /** Of leaving members of the base epoch, verified; for whatever package. */
  readonly approvals: readonly Approval[];
}

/** What each member signed about this epoch: one READY, or two that contradict each other. */
type Readies = ReadonlyMap<Party, readonly Ready[]>;

export type ActivationEvent =
  /** The share of this epoch is on the disk in two copies, was read back and fits the package. Repeated after a restart. */
  | { readonly type: 'prepared'; readonly publicPackage: PublicPackage }
  | { readonly type: 'ready'; readonly ready: Ready }
  | { readonly type: 'approval'; readonly approval: Approval }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  /** The authenticated peer that plays `party` announced that it uses the epoch. */
  | { readonly type: 'activated'; readonly party: Party }
  /** A peer came back, or some time passed: whatever we owe the others is said again. */
  | { readonly type: 'resumed' };

export type ActivationEffect =
  | { readonly type: 'persistReady'; readonly ready: Ready }
  /** To one member, or to all. */
  | { readonly type: 'sendReady'; readonly ready: Ready; readonly to: Party | 'all' }
  | { readonly type: 'persistCertificate'; readonly certificate: Certificate }
  /** From here on, and not before, the epoch may sign. */
  | { readonly type: 'activate'; readonly publicPackage: PublicPackage }
  /** To all: ACTIVATED. */
  | { readonly type: 'announce'; readonly publicPackage: PublicPackage }
  | { readonly type: 'sendCertificate'; readonly certificate: Certificate; readonly to: Party }
  /** The share has to be repaired before this node takes part in the epoch; then it is `prepared`. */
  | { readonly type: 'recover'; readonly publicPackage: PublicPackage }
  /** A member signed two READY for this epoch; see {@link provesConflict}. */
  | { readonly type: 'accuse'; readonly blame: Blame };

export interface ActivationStep {
  readonly state: ActivationState;
  readonly effects: readonly ActivationEffect[];
}

/** Where every member begins. */
export const initialActivation: ActivationState = { type: 'none', readies: new Map(), approvals: [] };

/**
 * The state of a member that finds `certificate` on its disk. @throws {CertificateError} if the disk lies
 */
export function certifiedActivation(context: ActivationContext, certificate: Certificate): ActivationState {
  const publicPackage = verify(certificate, context);
  return { type: 'certified', publicPackage, certificate, ...heardIn(certificate, publicPackage) };
}

/** @throws {ActivationError} if this node is asked to promise a second outcome of one epoch */
export function stepActivation(
  context: ActivationContext,
  state: ActivationState,
  event: ActivationEvent,
): ActivationStep {
  switch (event.type) {
    case 'prepared':
      return prepare(context, state, event.publicPackage);
    case 'ready':
      return hear(context, state, event.ready);
    case 'approval':
      return heed(context, state, event.approval);
    case 'certificate':
      return learn(context, state, event.certificate);
    case 'activated':
      // It holds the certificate: our READY asks for it.
      return { state, effects: state.type === 'prepared' ? [sendReady(context, state.readies, event.party)] : [] };
    case 'resumed':
      return resume(context, state);
  }
}

function prepare(context: ActivationContext, state: ActivationState, publicPackage: PublicPackage): ActivationStep {
  const { network, me, key } = context;
  const group = context.groupFor(publicPackage.scheme);
  const encoded = encode(publicPackageCodec(group), publicPackage);
  const digest = packageDigest(network, encoded);
  if (!isOurs(context, publicPackage)) throw new ActivationError('a package of another epoch or other members');
  if (state.type === 'recover' && equal(state.certificate.publicPackage, encoded)) {
    return certify(state, state.certificate, []);
  }
  if (state.type === 'prepared' && !equal(state.digest, digest)) throw new ActivationError('a second outcome');
  if (state.type !== 'none' && state.type !== 'prepared') throw new ActivationError('it is certified already');
  const ready = signReady(network, group, publicPackage, me, key);
  const readies = new Map(state.readies).set(me, [ready]);
  const effects: ActivationEffect[] = [
    { type: 'persistReady', ready },
    { type: 'sendReady', ready, to: 'all' },
  ];
  const { approvals } = state;
  return collect(context, { type: 'prepared', publicPackage, digest, readies, approvals }, encoded, effects);
}

/** A leaving member wants the epoch. What it did not sign, or has nothing to say about, changes nothing. */
function heed(context: ActivationContext, state: ActivationState, approval: Approval): ActivationStep {
  const { base, epoch, keyId, signatures } = context;
  const ours = base !== undefined && equal(approval.keyId, keyId) && approval.epoch === epoch;
  const known = state.approvals.some(({ party }) => party === approval.party);
  if (!ours || known || !verifyApproval(approval, base, signatures)) return { state, effects: [] };
  const next: ActivationState = { ...state, approvals: [...state.approvals, approval] };
  if (next.type !== 'prepared') return { state: next, effects: [] };
  const group = context.groupFor(next.publicPackage.scheme);
  return collect(context, next, encode(publicPackageCodec(group), next.publicPackage), []);
}

/** A READY arrived. One that is not of this epoch, or not signed by its member, changes nothing. */
function hear(context: ActivationContext, state: ActivationState, ready: Ready): ActivationStep {
  const unchanged: ActivationStep = { state, effects: [] };
  const member = context.members.find(({ party }) => party === ready.party);
  if (member === undefined || ready.party === context.me) return unchanged;
  if (!equal(ready.keyId, context.keyId) || ready.epoch !== context.epoch) return unchanged;
  const before = state.readies.get(ready.party) ?? [];
  const repeated = before.some(({ digest }) => equal(digest, ready.digest));
  if (!repeated && (before.length > 1 || !verifyReady(ready, member, context.signatures))) return unchanged;

  const readies = repeated ? state.readies : new Map(state.readies).set(ready.party, [...before, ready]);
  const next: ActivationState = { ...state, readies };
  const [first] = before;
  const effects: ActivationEffect[] =
    repeated || first === undefined ? [] : [{ type: 'accuse', blame: blameConflict(first, ready) }];
  if (next.type === 'prepared') {
    const group = context.groupFor(next.publicPackage.scheme);
    return collect(context, next, encode(publicPackageCodec(group), next.publicPackage), effects);
  }
  if (next.type === 'certified' || next.type === 'active') {
    // Whoever still says READY has not seen the certificate.
    effects.push({ type: 'sendCertificate', certificate: next.certificate, to: ready.party });
  }
  return { state: next, effects };
}

/** Certifies once every member said READY for the package that we prepared, and enough of the base epoch want it. */
function collect(
  context: ActivationContext,
  state: ActivationState & { readonly type: 'prepared' },
  publicPackage: Uint8Array,
  effects: readonly ActivationEffect[],
): ActivationStep {
  const signatures: Uint8Array[] = [];
  for (const { party } of state.publicPackage.members) {
    const ready = state.readies.get(party)?.find(({ digest }) => equal(digest, state.digest));
    if (ready === undefined) return { state, effects };
    signatures.push(ready.signature);
  }
  const { base, network } = context;
  const approvals = state.approvals.filter(({ digest }) => equal(digest, state.digest));
  if (base !== undefined && !isWanted(base, state.publicPackage, approvals, context.signatures)) {
    return { state, effects };
  }
  return certify(state, { network, publicPackage, signatures, approvals }, effects);
}

/** A certificate arrived: a late member catches up. One of another epoch is not for this machine. */
function learn(context: ActivationContext, state: ActivationState, certificate: Certificate): ActivationStep {
  const unchanged: ActivationStep = { state, effects: [] };
  // What is known already is told by all, and each of its signatures would take time.
  const isKnown = 'certificate' in state && equal(certificate.publicPackage, state.certificate.publicPackage);
  const publicPackage = isKnown ? undefined : tryVerify(certificate, context);
  if (publicPackage === undefined) return unchanged;
  if (!isOurs(context, publicPackage)) return unchanged;
  if (state.type === 'prepared' && equal(packageDigest(context.network, certificate.publicPackage), state.digest)) {
    return certify(state, certificate, []);
  }
  const held = state.type === 'none' || state.type === 'prepared' ? undefined : state.publicPackage;
  if (held !== undefined && comparePackages(publicPackage, held) <= 0) return unchanged;
  return {
    state: { type: 'recover', publicPackage, certificate, ...heardIn(certificate, publicPackage) },
    effects: [{ type: 'recover', publicPackage }],
  };
}

/**
 * Whether the package is of the epoch, and of the members, that this machine is for: our own signature is among theirs. And
 * whether it renews what it has to.
 */
function isOurs({ base, epoch, groupFor, keyId, members }: ActivationContext, publicPackage: PublicPackage): boolean {
  const follows =
    base === undefined
      ? publicPackage.baseEpoch === 0
      : differenceOf(base, publicPackage, groupFor(base.scheme)) === undefined;
  return (
    follows &&
    equal(publicPackage.keyId, keyId) &&
    publicPackage.epoch === epoch &&
    publicPackage.members.length === members.length &&
    publicPackage.members.every(({ party, node }, i) => {
      const member = members[i] as Member;
      return party === member.party && equal(node, member.node);
    })
  );
}

function certify(
  { publicPackage, readies, approvals }: ActivationState & { readonly type: 'prepared' | 'recover' },
  certificate: Certificate,
  effects: readonly ActivationEffect[],
): ActivationStep {
  return use({ publicPackage, certificate, readies, approvals }, [
    ...effects,
    { type: 'persistCertificate', certificate },
  ]);
}

/** Share and certificate are on the disk: the epoch may be used. */
function use(
  certified: Omit<ActivationState & { readonly type: 'certified' }, 'type'>,
  effects: readonly ActivationEffect[],
): ActivationStep {
  const { publicPackage } = certified;
  return {
    state: { ...certified, type: 'active' },
    effects: [...effects, { type: 'activate', publicPackage }, { type: 'announce', publicPackage }],
  };
}

function resume(context: ActivationContext, state: ActivationState): ActivationStep {
  switch (state.type) {
    case 'none':
      return { state, effects: [] };
    case 'prepared':
      return { state, effects: [sendReady(context, state.readies, 'all')] };
    case 'certified':
      return use(state, []);
    case 'active':
      return { state, effects: [{ type: 'announce', publicPackage: state.publicPackage }] };
    case 'recover':
      return { state, effects: [{ type: 'recover', publicPackage: state.publicPackage }] };
  }
}

function sendReady({ me }: ActivationContext, readies: Readies, to: Party | 'all'): ActivationEffect {
  const [ready] = readies.get(me) as readonly [Ready];
  return { type: 'sendReady', ready, to };
}

function heardIn(certificate: Certificate, publicPackage: PublicPackage): Heard {
  const readies = [...readiesOf(certificate, publicPackage)];
  return {
    readies: new Map(readies.map(([party, ready]) => [party, [ready]])),
    approvals: certificate.approvals,
  };
}

function verify(certificate: Certificate, context: ActivationContext): PublicPackage {
  const { base } = context;
  return base === undefined ? verifyCertificate(certificate, context) : verifySuccession(certificate, base, context);
}

function tryVerify(certificate: Certificate, context: ActivationContext): PublicPackage | undefined {
  try {
    return verify(certificate, context);
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}

/** This node was asked to break its promise: a bug or a misused key record, never an input from outside. */
export class ActivationError extends Error {
  override readonly name = 'ActivationError';
  readonly code = 'activation';

  constructor(reason: string) {
    super(`not promised: ${reason}`);
  }
}
