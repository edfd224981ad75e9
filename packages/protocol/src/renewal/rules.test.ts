import { convene, type Scenario, seededStream, simulate, slander } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { heldKey, renewalParametersOf, renewing } from '../../../../test/support/renewal.ts';
import {
  forgedRepairer,
  type RepairOptions,
  repairing,
  repairParametersOf,
} from '../../../../test/support/repairing.ts';
import type { Point } from '../groups/group.ts';
import { toy } from '../groups/toy.ts';
import { verifyingShare } from '../keys.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { blame, type Party } from '../protocol.ts';
import { type Court, digestOf, judge } from '../session/court.ts';
import { decodeEnvelope, type Envelope, sealEnvelope } from '../session/envelope.ts';
import { decode, encode } from '../wire/codec.ts';
import { nothing, renewalFormats } from './messages.ts';
import { repairFormats, type SumComplaint } from './repair-messages.ts';
import { weightOf } from './repair-parameters.ts';
import { badSumEvidence, repairCourt } from './repair-rules.ts';
import { renewalCourt } from './rules.ts';

/** What was sent in a run, and who signed it. */
class Archive {
  readonly court: Court;
  readonly #keys: ReadonlyMap<Party, NodeKey>;
  readonly #frames: readonly { readonly frame: Uint8Array; readonly envelope: Envelope }[];

  constructor(court: Court, scenario: Scenario<unknown>) {
    this.court = court;
    this.#keys = convene(scenario).keys;
    this.#frames = simulate(scenario).history.map(({ frame }) => ({ frame, envelope: decodeEnvelope(frame) }));
  }

  /** What `from` said in a round: to all, or to `to`. */
  frame(from: Party, round: number, to = 0): Uint8Array {
    const found = this.#frames.find(
      ({ envelope }) => envelope.from === from && envelope.round === round && envelope.to === to,
    );
    return found?.frame as Uint8Array;
  }

  /** Another message in the place of one, or elsewhere. */
  instead(frame: Uint8Array, change: Partial<Envelope>): Uint8Array {
    const envelope = { ...decodeEnvelope(frame), ...change };
    return sealEnvelope(envelope, envelope.echo, envelope.payload, this.#keys.get(envelope.from) as NodeKey).frame;
  }

  upheld(code: string, accused: Party, ...exhibits: readonly Uint8Array[]): boolean {
    return judge(this.court, blame(accused, code, exhibits).evidence);
  }

  get all(): readonly Uint8Array[] {
    return this.#frames.map(({ frame }) => frame);
  }
}

const renewed = {
  seed: 1,
  group: toy,
  key: heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3] }),
  // Seat 1 deals and stays, 2 stays, 3 is new, 4 deals and leaves.
  dealers: [1, 2],
  to: { nodes: [2, 3, 4], threshold: 2 },
};

describe('a confirmation', () => {
  const archive = new Archive(renewalCourt(renewalParametersOf(renewed)), renewing(renewed));
  const deals = [1, 2, 3, 4].map((seat) => archive.frame(seat, 0));
  const verdict = renewalFormats(toy, 2).verdict.broadcast;
  const payload = encode(verdict, { type: 'confirmation', value: new Uint8Array(32) });
  const lie = archive.instead(archive.frame(3, 1), { payload });
  const upheld = (...exhibits: readonly Uint8Array[]): boolean => archive.upheld('wrong-outcome', 3, ...exhibits);

  it('of something else convicts, with what its author saw', () => {
    expect(upheld(...deals, lie)).toBe(true);
  });

  it('of what everybody saw does not', () => {
    expect(upheld(...deals, archive.frame(3, 1))).toBe(false);
  });

  it('is not judged by what its author did not see, or by less than all', () => {
    const earlier = new Archive(archive.court, renewing({ ...renewed, seed: 2 }));
    const other = archive.instead(archive.frame(1, 0), { payload: decodeEnvelope(earlier.frame(1, 0)).payload });
    expect(upheld(other, ...deals.slice(1), archive.frame(3, 1))).toBe(false);
    expect(upheld(other, ...deals.slice(1), lie)).toBe(false);
    expect(upheld(...deals.slice(1), lie)).toBe(false);
    expect(upheld(...deals, deals[0] as Uint8Array, lie)).toBe(false);
    expect(upheld([...deals].reverse()[0] as Uint8Array, ...deals.slice(1), lie)).toBe(false);
    expect(upheld(lie)).toBe(false);
    expect(upheld()).toBe(false);
  });

  it('is not judged without the echo of all deals', () => {
    const { echo } = decodeEnvelope(lie);
    for (const shortened of [[], echo.slice(1), echo.slice(0, 3)]) {
      expect(upheld(...deals, archive.instead(lie, { echo: shortened }))).toBe(false);
    }
  });

  it('is one only in its round, to all, of its author', () => {
    expect(upheld(...deals, archive.instead(lie, { round: 2 }))).toBe(false);
    expect(upheld(...deals, archive.instead(lie, { class: 'direct', to: 1 }))).toBe(false);
    expect(archive.upheld('wrong-outcome', 2, ...deals, lie)).toBe(false);
  });
});

describe('nonsense that several have signed', () => {
  const archive = new Archive(renewalCourt(renewalParametersOf(renewed)), renewing(renewed));
  const formats = renewalFormats(toy, 2);
  const { payload } = decodeEnvelope(archive.frame(1, 0));

  it('is no bad share of one that does not deal', () => {
    const deal = archive.instead(archive.frame(2, 0), { payload });
    const share = archive.instead(archive.frame(2, 0, 3), { payload: decodeEnvelope(archive.frame(1, 0, 3)).payload });
    expect(archive.upheld('out-of-turn', 2, deal)).toBe(true);
    expect(archive.upheld('out-of-turn', 2, share)).toBe(true);
    expect(archive.upheld('bad-share', 2, deal, share)).toBe(false);
  });

  it('is no outcome that could be confirmed: a dealer that did not deal', () => {
    const silent = archive.instead(archive.frame(1, 0), { payload: encode(formats.deal.broadcast, nothing) });
    const { signature } = decodeEnvelope(silent);
    const entry = { digest: digestIn(silent), signature };
    const said = archive.frame(3, 1);
    const confirmed = archive.instead(said, { echo: decodeEnvelope(said).echo.with(0, entry) });
    const others = [2, 3, 4].map((seat) => archive.frame(seat, 0));
    expect(archive.upheld('wrong-outcome', 3, silent, ...others, confirmed)).toBe(false);
  });

  it('is no bad sum: a helper that did not split', () => {
    const key = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3] });
    const options: RepairOptions = { seed: 1, group: toy, key, helpers: [1, 3], lost: 2 };
    const repair = new Archive(repairCourt(repairParametersOf(options)), repairing(options));
    const silent = repair.instead(repair.frame(1, 0), {
      payload: encode(repairFormats(toy, 2).parts.broadcast, nothing),
    });
    const { signature } = decodeEnvelope(silent);
    const entry = { digest: digestIn(silent), signature };
    const said = repair.frame(3, 1);
    const check = repair.instead(said, { echo: decodeEnvelope(said).echo.with(0, entry) });
    // A sum that anybody would call bad, could it be judged.
    const { payload: copied } = decodeEnvelope(repair.frame(1, 1, 2));
    const sum = repair.instead(repair.frame(3, 1, 2), { payload: copied });
    const parts = [1, 2, 3].map((party) => repair.frame(party, 0));
    expect(repair.upheld('bad-sum', 3, ...parts, said, sum)).toBe(true);
    const exhibits = [silent, ...parts.slice(1), check, sum];
    expect(repair.upheld('out-of-turn', 1, silent)).toBe(true);
    expect(repair.upheld('bad-sum', 3, ...exhibits)).toBe(false);
  });
});

/** Nobody is convicted of anything by what the honest said, however it is put together. */
function expectNoConviction({ court, all, upheld }: Archive, codes: readonly string[], convicts: typeof upheld): void {
  for (const code of codes) {
    for (const accused of court.parties) {
      expect(convicts(code, accused)).toBe(false);
      for (const first of all) {
        expect(convicts(code, accused, first)).toBe(false);
        for (const second of all) expect(convicts(code, accused, first, second)).toBe(false);
      }
    }
  }
}

describe('evidence against a party that did nothing', () => {
  const key = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3] });
  const repaired: RepairOptions = { seed: 1, group: toy, key, helpers: [1, 3], lost: 2 };

  it('proves nothing in a renewal', () => {
    const small = { seed: 1, group: toy, key, dealers: [1, 2], to: { nodes: [2, 3], threshold: 2 } };
    const archive = new Archive(renewalCourt(renewalParametersOf(small)), renewing(small));
    expectNoConviction(archive, Object.keys(archive.court.rules), archive.upheld.bind(archive));
  });

  it('proves nothing in a repair', () => {
    const archive = new Archive(repairCourt(repairParametersOf(repaired)), repairing(repaired));
    expectNoConviction(archive, Object.keys(archive.court.rules), archive.upheld.bind(archive));
  });

  it('cannot be made up by one that took part', () => {
    slander(renewing(renewed), 4, 3000, seededStream(1, 'slander'));
    slander(repairing(repaired), 3, 3000, seededStream(2, 'slander'));
  });
});

describe('a bad sum', () => {
  const key = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3, 4] });
  const options: RepairOptions = { seed: 1, group: toy, key, helpers: [1, 3, 4], lost: 2 };
  const court = repairCourt(repairParametersOf(options));
  const honest = repairing(options);
  /** Helper 3 sends a sum that it was not given, and the lost party complains. */
  const cheated = new Archive(court, {
    ...honest,
    corrupted: new Set([3]),
    run: (party, randomness, convened) =>
      party === 3
        ? forgedRepairer(options, 3, { sum: () => toy.encodeScalar(9n) })
        : honest.run(party, randomness, convened),
  });
  const deals = [1, 2, 3, 4].map((party) => cheated.frame(party, 0));
  const complaint = cheated.frame(2, 2);

  /** What helper 3 might have said of its parts for the sum of 9 to be right: signed, and shown to nobody. */
  function convenient(): Uint8Array {
    const { parts } = repairFormats(toy, 3);
    const split = (party: Party): readonly Point[] => {
      const said = decode(parts.broadcast, decodeEnvelope(cheated.frame(party, 0)).payload);
      if (said.type !== 'parts') throw new Error('a helper splits');
      return said.value;
    };
    const parameters = repairParametersOf(options);
    const term = toy.multiply(verifyingShare(key.publicPackage, 3), weightOf(parameters, 3));
    const [, forThree] = split(4);
    const [fromOne] = split(1);
    // Its own part: 9·G less what the others gave it. Of the rest, one part is G.
    const own = [fromOne, forThree].reduce<Point>(
      (left, part) => toy.add(left, toy.negate(part as Point)),
      toy.multiplyBase(9n),
    );
    const first = toy.add(term, toy.negate(toy.add(own, toy.generator)));
    const payload = encode(parts.broadcast, { type: 'parts', value: [first, toy.generator] });
    return cheated.instead(cheated.frame(3, 0), { payload });
  }

  it('is not made a false complaint by parts, or a check, that the lost party did not see', () => {
    const check = cheated.frame(3, 1);
    const other = convenient();
    const shown = deals.with(2, other);
    const { signature } = decodeEnvelope(other);
    const entry = { digest: digestIn(other), signature };
    const second = cheated.instead(check, { echo: decodeEnvelope(check).echo.with(2, entry) });
    // With these the sum would be right, and they are all signed by those who said them.
    const { value } = decode(repairFormats(toy, 3).verdict.broadcast, decodeEnvelope(complaint).payload);
    const { sum, opening } = value as SumComplaint;
    const evidence = (exhibits: readonly Uint8Array[]) =>
      badSumEvidence(repairParametersOf(options), { helper: 3, sum, opening }, exhibits);
    expect(judge(court, evidence([...deals, check]))).toBe(true);
    expect(judge(court, evidence([...shown, second]))).toBe(false);
    for (const [parts, said] of [
      [deals, check],
      [shown, check],
      [shown, second],
      [deals, second],
    ] as const) {
      expect(cheated.upheld('false-sum-complaint', 2, ...parts, said, complaint)).toBe(false);
    }
    expect(judge(court, evidence([...shown, check]))).toBe(false);
  });

  it('is not one for somebody else: that is another offence', () => {
    const { payload } = decodeEnvelope(cheated.frame(3, 1, 2));
    const astray = cheated.instead(cheated.frame(1, 1, 2), { to: 4, payload });
    const check = cheated.frame(1, 1);
    expect(cheated.upheld('sum-out-of-turn', 1, check, astray)).toBe(true);
    expect(cheated.upheld('bad-sum', 1, ...deals, check, astray)).toBe(false);
  });

  it('is judged by its own helper, by all parts, and by its place', () => {
    const sum = cheated.frame(1, 1, 2);
    const check = cheated.frame(1, 1);
    for (const exhibits of [
      [...deals, check, sum],
      [...deals.slice(1), check, sum],
      [...deals, sum],
      [check, sum],
      [sum],
      [],
    ]) {
      for (const accused of [1, 2, 3, 4]) expect(cheated.upheld('bad-sum', accused, ...exhibits)).toBe(false);
    }
  });
});

function digestIn(frame: Uint8Array): Uint8Array {
  return digestOf(decodeEnvelope(frame));
}
