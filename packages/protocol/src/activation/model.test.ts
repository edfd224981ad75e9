import { describe, expect, it } from 'vitest';
import { activationAt, network, nodeKey, outcome } from '../../../../test/support/committee.ts';
import { toHex } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { encode } from '../wire/codec.ts';
import { type Certificate, certificateCodec, verifyCertificate } from './certificate.ts';
import {
  type ActivationEffect,
  type ActivationEvent,
  type ActivationState,
  certifiedActivation,
  initialActivation,
  stepActivation,
} from './machine.ts';
import { type Ready, readyCodec, signReady } from './ready.ts';

/** What a member keeps through a crash. */
interface Disk {
  readonly ready: Ready | undefined;
  readonly certificate: Certificate | undefined;
}

interface Node {
  readonly state: ActivationState;
  readonly disk: Disk;
  readonly active: boolean;
}

/** Two honest members, and everything that was ever said: it may arrive late, twice, in any order, or never. */
interface World {
  readonly nodes: readonly [Node, Node];
  readonly said: ReadonlyMap<string, { readonly to: Party; readonly event: ActivationEvent }>;
}

const [p, q] = [outcome(1), outcome(2)];
const codec = publicPackageCodec(toy);
const blank: Node = { state: initialActivation, disk: { ready: undefined, certificate: undefined }, active: false };

function ready(party: Party, of: PublicPackage): Ready {
  return signReady(network, toy, of, party, nodeKey(party));
}

function say(said: Map<string, { to: Party; event: ActivationEvent }>, to: Party, event: ActivationEvent): void {
  const words =
    event.type === 'ready'
      ? encode(readyCodec, event.ready)
      : event.type === 'certificate'
        ? encode(certificateCodec, event.certificate)
        : new Uint8Array(0);
  const from = event.type === 'activated' ? event.party : '';
  said.set(`${to}/${event.type}/${from}/${toHex(words)}`, { to, event });
}

/** Everything that the liar, party 3, can say: it signs both outcomes, and certifies what it likes. */
function lies(): World['said'] {
  const said = new Map<string, { to: Party; event: ActivationEvent }>();
  for (const to of [1, 2]) {
    for (const of of [p, q]) {
      say(said, to, { type: 'ready', ready: ready(3, of) });
      const own = ready(3, of).signature;
      const forged = { network, publicPackage: encode(codec, of), signatures: [own, own, own], approvals: [] };
      say(said, to, { type: 'certificate', certificate: forged });
    }
    say(said, to, { type: 'activated', party: 3 });
  }
  return said;
}

/** Carries out the first effects of a step, checking what must hold at each; a crash may come after any. */
function carryOut(world: World, me: Party, effects: readonly ActivationEffect[], share: PublicPackage): World {
  const said = new Map(world.said);
  const [one, two] = world.nodes;
  let { disk, active, state } = me === 1 ? one : two;
  for (const effect of effects) {
    switch (effect.type) {
      case 'persistReady':
        if (disk.ready !== undefined) expect(effect.ready).toEqual(disk.ready);
        disk = { ...disk, ready: effect.ready };
        break;
      case 'sendReady':
        expect(disk.ready).toEqual(effect.ready);
        for (const to of [1, 2]) if (to !== me) say(said, to, { type: 'ready', ready: effect.ready });
        break;
      case 'persistCertificate':
        disk = { ...disk, certificate: effect.certificate };
        break;
      case 'activate': {
        // The certificate is on the disk, complete, and of the outcome that our share belongs to.
        const certified = verifyCertificate(disk.certificate as Certificate, activationAt(me));
        expect(encode(codec, certified)).toEqual(encode(codec, share));
        expect(disk.ready).toBeDefined();
        active = true;
        break;
      }
      case 'announce':
        expect(active).toBe(true);
        for (const to of [1, 2]) if (to !== me) say(said, to, { type: 'activated', party: me });
        break;
      case 'sendCertificate':
        expect(active || disk.certificate !== undefined).toBe(true);
        if (effect.to !== 3) say(said, effect.to, { type: 'certificate', certificate: effect.certificate });
        break;
      case 'accuse':
        expect(effect.blame.party).toBe(3);
        break;
      case 'recover':
        // The certificate came before the node looked at its own share.
        expect(disk.ready).toBeDefined();
        break;
    }
  }
  const node: Node = { state, disk, active };
  return { nodes: me === 1 ? [node, two] : [one, node], said };
}

function withState(world: World, me: Party, state: ActivationState): World {
  const [one, two] = world.nodes;
  return { ...world, nodes: me === 1 ? [{ ...one, state }, two] : [one, { ...two, state }] };
}

/** What a member finds on its disk when it starts again. */
function restarted(world: World, me: Party): World {
  const { disk } = world.nodes[me - 1] as Node;
  const state =
    disk.certificate === undefined ? initialActivation : certifiedActivation(activationAt(me), disk.certificate);
  const after = withState(world, me, state);
  const [one, two] = after.nodes;
  return { ...after, nodes: me === 1 ? [{ ...one, active: false }, two] : [one, { ...two, active: false }] };
}

function keyOf({ nodes, said }: World): string {
  const node = ({ state, disk, active }: Node): unknown => [
    state.type,
    [...state.readies]
      .map(([party, all]) => [party, all.map(({ digest }) => toHex(digest))])
      .sort(([a], [b]) => Number(a) - Number(b)),
    disk.ready === undefined,
    disk.certificate === undefined ? '' : toHex(encode(certificateCodec, disk.certificate)),
    active,
  ];
  return JSON.stringify([nodes.map(node), [...said.keys()].sort()]);
}

/** Every world that can be reached when party 1 prepares `first` and party 2 prepares `second`. */
function explore(
  first: PublicPackage,
  second: PublicPackage,
): { worlds: number; both: number; certified: Set<string> } {
  const shares = [first, second] as const;
  const open: World[] = [{ nodes: [blank, blank], said: lies() }];
  const seen = new Set<string>();
  const certified = new Set<string>();
  let both = 0;
  while (open.length > 0) {
    const world = open.pop() as World;
    const key = keyOf(world);
    if (seen.has(key)) continue;
    seen.add(key);
    const held = world.nodes.flatMap(({ disk }) => (disk.certificate === undefined ? [] : [disk.certificate]));
    for (const { publicPackage } of held) certified.add(toHex(publicPackage));
    expect(new Set(held.map(({ publicPackage }) => toHex(publicPackage))).size).toBeLessThan(2);
    if (world.nodes.every(({ active }) => active)) both++;

    for (const me of [1, 2]) {
      const share = shares[me - 1] as PublicPackage;
      const { state } = world.nodes[me - 1] as Node;
      const events: ActivationEvent[] = [{ type: 'resumed' }];
      if (!['certified', 'active'].includes(state.type)) events.push({ type: 'prepared', publicPackage: share });
      for (const { to, event } of world.said.values()) if (to === me) events.push(event);
      for (const event of events) {
        const { state: next, effects } = stepActivation(activationAt(me), state, event);
        open.push(withState(carryOut(world, me, effects, share), me, next));
        for (let done = 0; done < effects.length; done++) {
          open.push(restarted(carryOut(world, me, effects.slice(0, done), share), me));
        }
      }
      open.push(restarted(world, me));
    }
  }
  return { worlds: seen.size, both, certified };
}

describe('every way in which two honest members and a liar can end, with losses, reordering and crashes', () => {
  it('has one certified outcome at most, and nobody active without the READY of all', () => {
    const { worlds, both, certified } = explore(p, p);
    expect(worlds).toBeGreaterThan(100);
    expect(both).toBeGreaterThan(0);
    expect([...certified]).toEqual([toHex(encode(codec, p))]);
  });

  it('has no certified outcome when the honest prepared different ones', () => {
    const { worlds, certified } = explore(p, q);
    expect(worlds).toBeGreaterThan(50);
    expect(certified.size).toBe(0);
  });
});
