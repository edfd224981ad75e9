import { type dkls23, type Party, type Randomness, Secret } from '@quorate/protocol';
import { dealtSeeds } from './dealt-seeds.ts';

/** By party, then by peer. */
export type DealtPairs = ReadonlyMap<Party, ReadonlyMap<Party, dkls23.PairMaterial>>;

/** What pair set-ups between all `parties` would leave with them, dealt by hand. */
export function dealPairs(suite: dkls23.Suite, parties: readonly Party[], randomness: Randomness): DealtPairs {
  const directions = new Map<string, dkls23.AliceMaterial & { readonly all: Secret }>();
  const zeroSeeds = new Map<string, Uint8Array>();
  for (const alice of parties) {
    for (const bob of parties.filter((party) => party !== alice)) {
      const seeds = dealtSeeds(suite, randomness);
      directions.set(`${alice}/${bob}`, {
        pairSid: randomness.bytes(32),
        fingerprint: randomness.bytes(32),
        leaves: new Secret(seeds.alice.leaves),
        delta: new Secret(seeds.alice.delta),
        all: new Secret(seeds.bob.leaves),
      });
      if (alice < bob) zeroSeeds.set(`${alice}/${bob}`, randomness.bytes(32));
    }
  }
  const material = (me: Party, peer: Party): dkls23.PairMaterial => {
    const [asAlice, asBob] = [directions.get(`${me}/${peer}`), directions.get(`${peer}/${me}`)];
    const zeroSeed = zeroSeeds.get(me < peer ? `${me}/${peer}` : `${peer}/${me}`);
    if (asAlice === undefined || asBob === undefined || zeroSeed === undefined) throw new Error('no such pair');
    const { all, pairSid, fingerprint } = asBob;
    const { all: _, ...own } = asAlice;
    return {
      me,
      peer,
      asAlice: own,
      asBob: { pairSid, fingerprint, leaves: all },
      zeroSeed: new Secret(zeroSeed.slice()),
    };
  };
  return new Map(
    parties.map((me) => [me, new Map(parties.filter((peer) => peer !== me).map((peer) => [peer, material(me, peer)]))]),
  );
}
