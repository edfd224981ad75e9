import { convene, simulate } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { keyGeneration, parametersOf } from '../../../../test/support/key-generation.ts';
import { toy } from '../groups/toy.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { blame, type Party } from '../protocol.ts';
import { type Court, judge } from '../session/court.ts';
import { decodeEnvelope, sealEnvelope } from '../session/envelope.ts';
import { decode, encode } from '../wire/codec.ts';
import { dkgFormats } from './messages.ts';
import { dkgCourt } from './rules.ts';

const options = { seed: 1, group: toy, threshold: 2, parties: 3 };
const scenario = keyGeneration(options);
const { history } = simulate(scenario);
const { keys } = convene(scenario);
const court: Court = dkgCourt(parametersOf(options));
const formats = dkgFormats(toy, 2);

/** What `from` sent in a round of the honest run, to `to` if it matters. */
function frameOf(from: Party, round: number, to?: Party): Uint8Array {
  const found = history.find(({ frame, to: recipient }) => {
    const envelope = decodeEnvelope(frame);
    return envelope.from === from && envelope.round === round && (to === undefined || to === recipient);
  });
  return found?.frame as Uint8Array;
}

/** Another message of `from` in the place of one that it sent. */
function instead(frame: Uint8Array, payload: Uint8Array): Uint8Array {
  const envelope = decodeEnvelope(frame);
  return sealEnvelope(envelope, envelope.echo, payload, keys.get(envelope.from) as NodeKey).frame;
}

function upheld(code: string, accused: Party, ...exhibits: readonly Uint8Array[]): boolean {
  return judge(court, blame(accused, code, exhibits).evidence);
}

describe('a confirmation', () => {
  const reveals = [1, 2, 3].map((party) => frameOf(party, 1));
  const verdict = formats.verdict.broadcast;
  const lie = instead(frameOf(3, 3), encode(verdict, { type: 'confirmation', value: new Uint8Array(32) }));

  it('of something else convicts, with what its author saw', () => {
    expect(upheld('wrong-outcome', 3, ...reveals, frameOf(3, 2, 1), lie)).toBe(true);
  });

  it('of what everybody saw does not', () => {
    expect(upheld('wrong-outcome', 3, ...reveals, frameOf(3, 2, 1), frameOf(3, 3))).toBe(false);
  });

  it('is not judged by a reveal that its author never saw', () => {
    const revealed = decode(formats.reveal.broadcast, decodeEnvelope(frameOf(2, 1)).payload);
    const other = encode(formats.reveal.broadcast, { ...revealed, chainCode: new Uint8Array(32) });
    const exhibits = [frameOf(1, 1), instead(frameOf(2, 1), other), frameOf(3, 1)];
    expect(upheld('wrong-outcome', 3, ...exhibits, frameOf(3, 2, 1), frameOf(3, 3))).toBe(false);
  });

  it('is not judged by what another saw, or by less than all', () => {
    expect(upheld('wrong-outcome', 3, ...reveals, frameOf(2, 2, 1), lie)).toBe(false);
    expect(upheld('wrong-outcome', 3, ...reveals.slice(1), frameOf(3, 2, 1), lie)).toBe(false);
    expect(upheld('wrong-outcome', 3, ...reveals, lie, frameOf(3, 2, 1))).toBe(false);
    expect(upheld('wrong-outcome', 2, ...reveals, frameOf(3, 2, 1), lie)).toBe(false);
    expect(upheld('wrong-outcome', 3)).toBe(false);
  });

  it('is not judged without the echo of all reveals', () => {
    const share = decodeEnvelope(frameOf(3, 2, 1));
    for (const echo of [[], share.echo.slice(1), share.echo.slice(0, 2)]) {
      const shortened = sealEnvelope(share, echo, share.payload, keys.get(3) as NodeKey).frame;
      expect(upheld('wrong-outcome', 3, ...reveals, shortened, lie)).toBe(false);
    }
  });

  it('is one only in its round, to all', () => {
    const said = decodeEnvelope(lie);
    for (const change of [{ round: 4 }, { class: 'direct', to: 1 }] as const) {
      const moved = sealEnvelope({ ...said, ...change }, said.echo, said.payload, keys.get(3) as NodeKey).frame;
      expect(upheld('wrong-outcome', 3, ...reveals, frameOf(3, 2, 1), moved)).toBe(false);
    }
  });
});

describe('evidence against a party that did nothing', () => {
  it.each(['wrong-opening', 'bad-proof', 'bad-share', 'false-complaint', 'wrong-outcome'])('proves no %s', (code) => {
    for (const accused of [1, 2, 3]) {
      const all = [0, 1, 2, 3, 4].map((round) => frameOf(accused, round));
      expect(upheld(code, accused)).toBe(false);
      for (const first of all) {
        expect(upheld(code, accused, first)).toBe(false);
        for (const second of all) expect(upheld(code, accused, first, second)).toBe(false);
      }
    }
  });

  it('does not come from the words of another', () => {
    expect(upheld('wrong-opening', 1, frameOf(1, 0), frameOf(2, 1))).toBe(false);
    expect(upheld('wrong-opening', 1, frameOf(2, 0), frameOf(1, 1))).toBe(false);
    expect(upheld('bad-share', 1, frameOf(2, 1), frameOf(1, 2))).toBe(false);
    expect(upheld('bad-share', 1, frameOf(1, 1), frameOf(2, 2))).toBe(false);
  });
});
