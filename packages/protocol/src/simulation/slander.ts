import { toHex } from '../bytes.ts';
import { blame, type Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { accusationsCodec, judge } from '../session/court.ts';
import { decodeEnvelope, type EchoEntry, type Envelope, type MessageClass, sealEnvelope } from '../session/envelope.ts';
import { encode } from '../wire/codec.ts';
import { convene, type Scenario, simulate } from './committee.ts';

const codes = ['malformed', 'equivocation', 'false-echo', 'false-accusation'];

/**
 * Tries to convict the honest parties of a scenario with whatever `liar` can lay its hands on: every frame of a run, whole
 * or spoilt, and messages of its own that quote them, under every code the court knows. @throws {Error} if one succeeds
 *
 * @param openings makes up the openings that the protocol's own rules look at
 */
export function slander<T>(
  scenario: Scenario<T>,
  liar: Party,
  attempts: number,
  random: Randomness,
  openings: (random: Randomness) => Uint8Array = (source) => source.bytes(16),
): void {
  const { court, keys } = convene(scenario);
  const { history } = simulate(scenario);
  const frames = [...new Map(history.map(({ frame }) => [toHex(frame), frame])).values()];
  const honest = scenario.parties.filter((party) => party !== liar);
  const below = (limit: number): number => random.bytes(3).reduce((value, byte) => value * 256 + byte, 0) % limit;
  const any = <U>(items: readonly U[]): U => items[below(items.length)] as U;

  const entries: EchoEntry[] = frames.flatMap((frame) => decodeEnvelope(frame).echo);
  const spoilt = (frame: Uint8Array): Uint8Array => {
    const at = below(frame.length);
    return frame.map((byte, i) => (i === at ? byte ^ (1 << below(8)) : byte));
  };
  const forged = (): Uint8Array => {
    const quoted: Envelope = decodeEnvelope(any(frames));
    const echo = below(2) === 0 || entries.length === 0 ? quoted.echo : court.parties.map(() => any(entries));
    const kind = any<MessageClass>(['broadcast', 'direct', 'abort']);
    const slot = {
      ...quoted,
      class: kind,
      from: liar,
      to: kind === 'direct' ? any(honest) : 0,
      round: below(court.rounds.length),
    };
    const accusations = [blame(any(honest), any(codes), [any(frames)]).evidence];
    const payload = kind === 'abort' ? encode(accusationsCodec, accusations) : quoted.payload;
    return sealEnvelope(slot, echo, payload, keys.get(liar) as Parameters<typeof sealEnvelope>[3]).frame;
  };

  for (let attempt = 0; attempt < attempts; attempt++) {
    const exhibits = Array.from({ length: below(4) }, () => {
      const frame = below(3) === 0 ? forged() : any(frames);
      return below(4) === 0 ? spoilt(frame) : frame;
    });
    const accused = any(honest);
    const { evidence } = blame(accused, any([...codes, ...Object.keys(court.rules)]), exhibits, openings(random));
    if (judge(court, evidence)) {
      throw new Error(`honest party ${accused} is convicted of ${evidence.code} by ${exhibits.map(toHex).join(' ')}`);
    }
  }
}
