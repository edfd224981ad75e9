import { dkls23, type Group, type Point, secp256k1, seeded, toHex, u16 } from '@quorate/protocol';
import { libsecp256k1 } from '@quorate/protocol/native';

/** With one degree of freedom, chance exceeds this once in a thousand. */
export const likely = 10.83;

/** How far each thing that Bob can cheaply look at, in a transfer, follows what Alice chose: over sets of 128 transfers. */
export function leaks(sets: number): readonly { readonly feature: string; readonly chiSquare: number }[] {
  const context = { session: new Uint8Array(32), alice: new Uint8Array(32).fill(1), bob: new Uint8Array(32).fill(2) };
  const group = remembering(libsecp256k1() ?? secp256k1);
  const key = dkls23.offerBaseOt(group, seeded(new Uint8Array(1)));
  const choices: number[] = [];
  const seen = new Map<string, number[]>();
  for (let set = 0; set < sets; set++) {
    // Keys are hashes of x-coordinates, and her own never leave Alice; what Bob can look at are points, and the sums they make.
    let sums: readonly Uint8Array[] = [];
    const watched: dkls23.EcdhX = {
      name: 'watched',
      sharedX: (_scalar, points) => {
        sums = points.map((point) => group.encodePoint(point));
        return sums.map((sum) => sum.slice()); // wiped by who asked
      },
    };
    const setting = { group, ecdh: watched, count: 128 };
    const alice = dkls23.chooseBaseOt(setting, context, key.point, seeded(u16(set)));
    dkls23.completeBaseOt(setting, context, key, alice.exchange.points);
    for (let i = 0; i < 128; i++) {
      choices.push(alice.choices.use((bits) => ((bits[i >> 3] as number) >> (i & 7)) & 1));
      const points = [0, 1].map((x) => alice.exchange.points.subarray((2 * i + x) * 33, (2 * i + x + 1) * 33));
      for (const [feature, bit] of featuresOf(points.concat(sums.slice(2 * i, 2 * i + 2)))) {
        const bits = seen.get(feature) ?? [];
        bits.push(bit);
        seen.set(feature, bits);
      }
    }
  }
  return [...seen].map(([feature, bits]) => ({ feature, chiSquare: chiSquareOf(choices, bits) }));
}

/** The group, hashing once what both sides hash: that is most of the time. */
function remembering(group: Group): Group {
  let known = new Map<string, Point>();
  return {
    ...group,
    hashToGroup: (tag, message) => {
      const name = toHex(message);
      const point = known.get(name) ?? group.hashToGroup(tag, message);
      if (known.size > 1000) known = new Map();
      known.set(name, point);
      return point;
    },
  };
}

/** One bit each, of S₀, S₁, Y₀, Y₁ and of what they have in common. */
function featuresOf(points: readonly Uint8Array[]): readonly (readonly [string, number])[] {
  const names = ['S0', 'S1', 'Y0', 'Y1'];
  const hex = points.map((point) => toHex(point.subarray(1)));
  const sign = (i: number): number => (points[i]?.[0] ?? 0) & 1;
  const single = points.flatMap((point, i) => [
    [`sign of ${names[i]}`, sign(i)] as const,
    [`lowest bit of ${names[i]}`, (point.at(-1) as number) & 1] as const,
    [`highest bit of ${names[i]}`, (point[1] as number) >> 7] as const,
    [`checksum of ${names[i]}`, point.reduce((sum, byte) => sum + byte, 0) & 1] as const,
  ]);
  return [
    ...single,
    ['signs of S', sign(0) ^ sign(1)],
    ['signs of Y', sign(2) ^ sign(3)],
    ['order of S', Number((hex[0] as string) < (hex[1] as string))],
    ['order of Y', Number((hex[2] as string) < (hex[3] as string))],
    ['order of S0 and Y0', Number((hex[0] as string) < (hex[2] as string))],
  ];
}

/** Pearson's, of a table of two by two. */
export function chiSquareOf(a: readonly number[], b: readonly number[]): number {
  const n = a.length;
  const both = a.reduce((count, bit, i) => count + (bit & (b[i] as number)), 0);
  const [ones, others] = [a, b].map((bits) => bits.reduce((sum, bit) => sum + bit, 0)) as [number, number];
  const determinant = both * n - ones * others;
  return (n * determinant ** 2) / (ones * (n - ones) * others * (n - others));
}
