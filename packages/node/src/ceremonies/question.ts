import {
  type Activated,
  type Approval,
  approvalCodec,
  type Certificate,
  comparePackages,
  equal,
  MAX_PARTIES,
  type PublicPackage,
  toHex,
  wire,
} from '@quorate/protocol';
import type { PeerId } from '../network/network.ts';

export interface Certified {
  readonly certificate: Certificate;
  readonly publicPackage: PublicPackage;
}

/** An epoch that others say they use. */
export interface Used {
  readonly publicPackage: PublicPackage;
  /** What each of them answered. */
  readonly certificates: readonly Certificate[];
  readonly users: ReadonlySet<PeerId>;
}

/** Which epoch of a key the others use: a question that is under way, and what they answer. */
export class Question {
  readonly asked: readonly PeerId[];
  /** What ends it before its time is up. */
  readonly enough: () => void;
  readonly #answers = new Map<PeerId, Certified>();
  /** Who was shown which package. */
  readonly #shown = new Map<PeerId, PublicPackage>();

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
    // Whoever answered already sent more than these words.
    if (newest === undefined || newest.users.has(peer) || !this.asked.includes(peer)) return;
    const { publicPackage } = newest;
    const [certificate] = newest.certificates as readonly [Certificate];
    if (publicPackage.epoch === epoch && equal(publicPackage.transcript, transcript))
      this.answer(peer, { certificate, publicPackage });
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
      (peer) => !newest.users.has(peer) && !isSame(this.#shown.get(peer), newest.publicPackage),
    );
    for (const peer of behind) this.#shown.set(peer, newest.publicPackage);
    return behind;
  }

  /** The epochs that were answered with, newest first. */
  #used(): readonly Used[] {
    const packages = [...this.#answers.values()].map(({ publicPackage }) => publicPackage).toSorted(comparePackages);
    const each = packages.reverse().filter((one, i, all) => !isSame(all[i - 1], one));
    return each.map((publicPackage) => {
      const answers = [...this.#answers].filter(([, answer]) => isSame(answer.publicPackage, publicPackage));
      const certificates = answers.map(([, { certificate }]) => certificate);
      return { publicPackage, certificates, users: new Set(answers.map(([peer]) => peer)) };
    });
  }
}

/**
 * What certifies an epoch, with the approvals that anybody sent, each in turn. Whoever does not know the epoch that is renewed cannot tell
 * which of them are good; those that are not do no harm, and take no more room than others'.
 */
export function certificateOf({ certificates }: Used): Certificate {
  const [first] = certificates as readonly [Certificate];
  const approvals = new Map<string, Approval>();
  for (let i = 0; i < MAX_PARTIES; i++) {
    for (const certificate of certificates) {
      const approval = certificate.approvals[i];
      if (approval === undefined || approvals.size === MAX_PARTIES) continue;
      approvals.set(toHex(wire.encode(approvalCodec, approval)), approval);
    }
  }
  return { ...first, approvals: [...approvals.values()] };
}

/** Of one key: nobody signs READY for two packages of one epoch, and this node signed both. */
function isSame(a: PublicPackage | undefined, b: PublicPackage): boolean {
  return a !== undefined && comparePackages(a, b) === 0;
}
