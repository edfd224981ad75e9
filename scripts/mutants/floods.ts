import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/ceremonies';
const tests = ['floods.test.ts'];

export const floods: readonly Mutant[] = [
  ...cuts(folder, 'departures.ts', tests, [
    [' || !this.#corrections.spend(peer)) return;', ') return;', 'answers without end about an epoch of long ago'],
  ]),
  ...cuts(folder, 'activations.ts', tests, [
    [
      "    if (value.type === 'ready' && machine.peers.get(value.ready.party) !== peer) return;\n",
      '',
      'answers to another than who said READY',
    ],
    [
      'if (peer === undefined || !this.#answers.spend(peer)) return;',
      'if (peer === undefined) return;',
      'certificates without end',
    ],
  ]),
  ...cuts(folder, 'admission.ts', tests, [
    [
      "if (!this.#proposals.spend(peer)) throw new ServiceError('busy', 'this member proposes too much');",
      '',
      'proposals without end',
    ],
    [
      'if (key !== undefined && !this.#renewals.spend(',
      'if (key === undefined && !this.#renewals.spend(',
      'renewals of a key without end',
    ],
    [
      'ofProposer(open) - withheld >= limits',
      'ofProposer(open) >= limits',
      'keys that wait for READY in the way of others',
    ],
  ]),
  ...cuts(folder, 'ceremonies.ts', tests, [
    [' && isOwn(task)),', '),', 'a set-up that nobody begins in the way of others'],
  ]),
  {
    file: 'packages/protocol/src/activation/machine.ts',
    find: 'const publicPackage = isKnown ? undefined : tryVerify(certificate, context);',
    replace: 'const publicPackage = tryVerify(certificate, context);',
    tests: ['packages/protocol/src/activation/machine.test.ts'],
    why: 'signatures of a known certificate verified again and again',
  },
];
