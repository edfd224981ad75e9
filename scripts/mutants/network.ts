import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/node/src/network';

export const network: readonly Mutant[] = [
  ...cuts(
    folder,
    'gate.ts',
    ['gate.test.ts'],
    [
      ['.filter(({ peer }) => peer !== self)', '', 'a connection from ourselves'],
      ['[...members.values()].some(({ from }) => allows(from, ip))', 'true', 'a handshake with any address'],
      ['member !== undefined && allows(member.from, ip)', 'true', 'a peer that is no member'],
      [' && allows(member.from, ip)', '', 'a member from an address that its entry forbids'],
      [
        '[...members.values()].some(({ addresses }) => addresses.has(address))',
        'true',
        'dialling where nobody told us to',
      ],
      [
        "address.includes('/p2p/') ? address : `${address}/p2p/${peer}`",
        'address',
        'dialling without naming who must answer',
      ],
      [
        '(ip !== undefined && from.has(ip))',
        'ip === undefined || from.has(ip)',
        'a connection whose address is not known',
      ],
    ],
  ),
  ...cuts(
    folder,
    'hello.ts',
    ['hello.test.ts', 'boot-epochs.test.ts'],
    [
      ['if (version !== wireVersion) {', 'if (false) {', 'another version of the format'],
      ['if (!equal(hello.networkId, networkId))', 'if (false)', 'a node of another network'],
      ["if (hello === undefined) return { refused: 'its greeting is malformed' };", '', 'a malformed greeting'],
      [
        'return verifyFrom(signer, statement(hello, signer, verifier, challenge), proof);',
        'return true;',
        'a proof that nobody signed',
      ],
      ['hash(tags.hello, challenge, ', 'hash(tags.hello, ', 'a proof replayed'],
      ['ascii(signer), ascii(verifier)', 'ascii(signer)', 'a proof meant for another'],
      ['ascii(verifier), hello)', 'ascii(verifier))', 'a greeting exchanged under the proof'],
      [
        "if (random.length !== 16) throw new EncodingError('a boot epoch takes 16 random bytes');",
        '',
        'a boot epoch without randomness',
      ],
    ],
  ),
  ...cuts(
    folder,
    'boot-epochs.ts',
    ['boot-epochs.test.ts'],
    [
      [
        'live === undefined || bootCounter',
        'true || bootCounter',
        'an instance that was decided against, in place of the other',
      ],
    ],
  ),
];
