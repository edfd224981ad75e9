import {
  type Activated,
  type Approval,
  approvalCodec,
  type Certificate,
  comparePackages,
  equal,
  MAX_PARTIES,
  type PublicPackage,
  packageDigest,
  toHex,
  wire,
} from '@quorate/protocol';
import type { PeerId } from '../network/network.ts';

export interface Certified {
  readonly certificate: Certificate;
  readonly publicPackage: PublicPackage;
}

/** An epoch that others say they use, and who uses it. */
export interface Used extends Certified {
  readonly users: ReadonlySet<PeerId>;
}

/** Which epoch of a key the others use: a question that is under way, and what they answer. */
export class Question {
  readonly asked: readonly PeerId[];
  /** What ends it before its time is up. */
  readonly enough: () => void;
  readonly #answers = new Map<PeerId, Certified>();
  readonly #shown = new Map<PeerId, Certified>();

  constructor(asked: readonly PeerId[], enough: () => void) {
    this.asked = asked;
    this.enough = enough;
  }

  answer(peer: PeerId, certified: Certified): void {
    this.#answers.set(peer, certified);
  }

  /** Who says that it uses an epoch answers with it. */
  hear(peer: PeerId, { epoch, transcript }: Activated): void {
    const { newest } = this;
    if (newest === undefined || !this.asked.includes(peer)) return;
    const { publicPackage } = newest;
    if (publicPackage.epoch === epoch && equal(publicPackage.transcript, transcript)) this.answer(peer, newest);
  }

  /** The newest epoch that anybody answered with. */
  get newest(): Used | undefined {
    return this.#used()[0];
  }

  /**
   * The newest epoch that as many others use as are needed to give a share of it back, one of them honest; or the newest of all. A
   * certificate that one alone could put together, because it kept its READY back, brings nothing back as long as the others do not
   * follow.
   */
  get best(): Used | undefined {
    const used = this.#used();
    return used.find(({ publicPackage, users }) => users.size >= publicPackage.threshold) ?? used[0];
  }

  /** Those who answered with an older epoch than the newest, each once: shown what certifies that, they catch up. */
  takeBehind(): readonly PeerId[] {
    const { newest } = this;
    if (newest === undefined) return [];
    const behind = [...this.#answers.keys()].filter(
      (peer) => !newest.users.has(peer) && !isSame(this.#shown.get(peer), newest),
    );
    for (const peer of behind) this.#shown.set(peer, newest);
    return behind;
  }

  /** The epochs that were answered with, newest first. */
  #used(): readonly Used[] {
    const all = [...this.#answers.values()].toSorted((a, b) => comparePackages(b.publicPackage, a.publicPackage));
    const each = all.filter((one, i) => i === 0 || !isSame(one, all[i - 1] as Certified));
    return each.map((one) => {
      const answers = [...this.#answers].filter(([, other]) => isSame(other, one));
      const certificate = withApprovals(answers.map(([, other]) => other.certificate));
      return { ...one, certificate, users: new Set(answers.map(([peer]) => peer)) };
    });
  }
}

/**
 * A certificate with the approvals that are in any of these, which certify the same. Whoever does not know the epoch that is renewed
 * cannot tell which of them are good, and none of them does harm; the liars' take no more room than others'.
 */
function withApprovals(all: readonly Certificate[]): Certificate {
  const [first] = all as readonly [Certificate];
  const digest = packageDigest(first.network, first.publicPackage);
  const approvals = new Map<string, Approval>();
  for (let i = 0; i < MAX_PARTIES; i++) {
    for (const certificate of all) {
      const approval = certificate.approvals[i];
      if (approval === undefined || !equal(approval.digest, digest) || approvals.size === MAX_PARTIES) continue;
      approvals.set(toHex(wire.encode(approvalCodec, approval)), approval);
    }
  }
  return { ...first, approvals: [...approvals.values()] };
}

function isSame(a: Certified | undefined, b: Certified): boolean {
  return a !== undefined && equal(a.certificate.publicPackage, b.certificate.publicPackage);
}
