import { compare, toHex } from '@quorate/protocol';
import { assert, property, shuffledSubarray, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rendezvous } from './election.ts';

const nodes = Array.from({ length: 7 }, (_, i) => new Uint8Array(32).fill(i + 1));
const request = new Uint8Array(32).fill(9);
const hex = (order: readonly Uint8Array[]): readonly string[] => order.map(toHex);

describe('the order of coordinators and signers', () => {
  test('is the same for everybody, however the members are listed', () => {
    const expected = hex(rendezvous('coordinator', request, 1, nodes));
    assert(
      property(shuffledSubarray(nodes, { minLength: nodes.length }), (listed) => {
        expect(hex(rendezvous('coordinator', request, 1, listed))).toEqual(expected);
      }),
    );
    expect(expected.toSorted()).toEqual(hex(nodes).toSorted());
  });

  test('of those who are left is the order of all without the others', () => {
    assert(
      property(uint8Array({ minLength: 32, maxLength: 32 }), (id) => {
        const all = hex(rendezvous('signer', id, 3, nodes));
        const some = hex(rendezvous('signer', id, 3, nodes.slice(2)));
        expect(some).toEqual(all.filter((node) => some.includes(node)));
      }),
    );
  });

  test('differs by role, epoch and request, so that every member gets its turn', () => {
    const base = hex(rendezvous('coordinator', request, 1, nodes)).join();
    expect(hex(rendezvous('signer', request, 1, nodes)).join()).not.toBe(base);
    expect(hex(rendezvous('coordinator', request, 2, nodes)).join()).not.toBe(base);
    const turns = new Map<string, number>();
    for (let i = 0; i < 700; i++) {
      const first = rendezvous('coordinator', new Uint8Array(32).fill(i & 0xff).fill(i >> 8, 0, 1), 1, nodes)[0];
      turns.set(toHex(first as Uint8Array), (turns.get(toHex(first as Uint8Array)) ?? 0) + 1);
    }
    expect([...turns.values()].every((count) => count > 50 && count < 150)).toBe(true);
  });

  test('is total: equal keys keep their order', () => {
    const [a, b] = rendezvous('signer', request, 1, [nodes[0] as Uint8Array, nodes[0] as Uint8Array]);
    expect(compare(a as Uint8Array, b as Uint8Array)).toBe(0);
  });
});
