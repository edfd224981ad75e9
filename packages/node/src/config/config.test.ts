import { toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { type Files, FileUnreadable } from '../files.ts';
import { loadConfig, networkIdOf, parseConfig } from './config.ts';
import { ConfigError, type Problem } from './document.ts';

const minimal = `name: alice
network: quorate-testnet
root:
  keyFile: root.key
`;

function problems(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('nothing was refused');
}

const refused = (text: string): readonly Problem[] => problems(() => parseConfig(text, '/etc/quorate/node.yaml'));

const folder = (content: string): Pick<Files, 'read'> => ({
  read: (path) => {
    if (path !== '/etc/quorate/node.yaml') throw new FileUnreadable(path, 'there is no such file');
    return new TextEncoder().encode(content);
  },
});

describe('a configuration', () => {
  test('has defaults, and paths from its own folder', () => {
    expect(parseConfig(minimal, '/etc/quorate/node.yaml')).toEqual({
      name: 'alice',
      network: 'quorate-testnet',
      networkId: networkIdOf('quorate-testnet'),
      data: '/etc/quorate',
      roster: '/etc/quorate/roster.yaml',
      admin: '/etc/quorate/admin.sock',
      listen: ['/ip4/0.0.0.0/tcp/4001'],
      root: { keyFile: '/etc/quorate/root.key' },
      clients: [],
      accept: { default: 'ask', proposers: {} },
      purposes: ['*'],
      pins: {},
      sessionTimeout: 60,
      refreshInterval: 86_400,
      threshold: undefined,
      participants: undefined,
      stock: 1,
      presignatures: 8,
      limits: { peerBytesPerSecond: 16_777_216, peerFramesPerSecond: 2_000 },
      log: { level: 'info' },
    });
  });

  test('takes clients with their rights and acceptance by proposer', () => {
    const config = parseConfig(
      `${minimal}clients:
  - name: wallet
    publicKey: ${'ab'.repeat(32)}
    rights:
      - {keys: [treasury-*], purposes: [payments], actions: [sign]}
accept: {default: deny, proposers: {bob: auto}}
data: data
`,
      '/etc/quorate/node.yaml',
    );
    expect(config.clients[0]?.rights).toEqual([{ keys: ['treasury-*'], purposes: ['payments'], actions: ['sign'] }]);
    expect(config.accept).toEqual({ default: 'deny', proposers: { bob: 'auto' } });
    expect(config.admin).toBe('/etc/quorate/data/admin.sock');
  });

  test('flag beats environment beats file beats default', () => {
    const files = folder(`${minimal}sessionTimeout: 30\nthreshold: 2\nparticipants: 3\n`);
    const load = (env: Record<string, string>, flags = {}) => loadConfig('/etc/quorate/node.yaml', env, flags, files);
    expect(load({})).toMatchObject({ sessionTimeout: 30, threshold: 2, participants: 3 });
    const env = {
      MPC_SESSION_TIMEOUT: '45',
      MPC_THRESHOLD: '3',
      MPC_TOTAL_PARTICIPANTS: '5',
      QUORATE_DATA: '/var/q',
      QUORATE_LOG_LEVEL: '',
    };
    expect(load(env)).toMatchObject({
      sessionTimeout: 45,
      threshold: 3,
      participants: 5,
      data: '/var/q',
      admin: '/var/q/admin.sock',
    });
    expect(
      load(env, { sessionTimeout: '50', logLevel: 'debug', listen: '/ip4/127.0.0.1/tcp/1, /ip6/::1/tcp/1' }),
    ).toMatchObject({
      sessionTimeout: 50,
      threshold: 3,
      log: { level: 'debug' },
      listen: ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1'],
    });
  });

  test.each<[Record<string, string>, string, RegExp]>([
    [{ MPC_THRESHOLD: '1' }, 'MPC_THRESHOLD', /at least 2/],
    [{ MPC_THRESHOLD: 'three' }, 'MPC_THRESHOLD', /digits/],
    [{ MPC_THRESHOLD: '2.5' }, 'MPC_THRESHOLD', /digits/],
    [{ MPC_TOTAL_PARTICIPANTS: '101' }, 'MPC_TOTAL_PARTICIPANTS', /at most 100/],
    [{ MPC_SESSION_TIMEOUT: '0' }, 'MPC_SESSION_TIMEOUT', /5 seconds/],
    [{ MPC_THRESHOLD: '4', MPC_TOTAL_PARTICIPANTS: '3' }, '/etc/quorate/node.yaml', /at most all/],
    [{ QUORATE_LISTEN: 'localhost:1' }, 'QUORATE_LISTEN', /\/ip4\//],
    [{ QUORATE_LOG_LEVEL: 'loud' }, 'QUORATE_LOG_LEVEL', /trace/],
  ])('%j is refused by name', (env, file, remedy) => {
    const [problem] = problems(() => loadConfig('/etc/quorate/node.yaml', env, {}, folder(minimal)));
    expect(problem).toMatchObject({ file, remedy: expect.stringMatching(remedy) });
  });

  test('a flag that is wrong is refused by its name', () => {
    const [problem] = problems(() =>
      loadConfig('/etc/quorate/node.yaml', {}, { sessionTimeout: 'x' }, folder(minimal)),
    );
    expect(problem).toMatchObject({ file: '--session-timeout', problem: 'not a whole number' });
  });

  test.each<[name: string, text: string, line: number, problem: RegExp, remedy: RegExp]>([
    ['unknown key', `${minimal}sesionTimeout: 3\n`, 5, /sesionTimeout is not a known key/, /spelling/],
    ['unknown key within', `${minimal}accept:\n  defualt: ask\n`, 6, /accept\.defualt/, /spelling/],
    ['missing key', 'name: alice\nroot: {keyFile: k}\n', 1, /network is missing/, /add it/],
    ['wrong type', `${minimal}sessionTimeout: soon\n`, 5, /sessionTimeout is of the wrong type/, /number/],
    ['duplicate key', `${minimal}name: bob\n`, 5, /unique/, /correct/],
    ['tab', `${minimal}accept:\n\tdefault: ask\n`, 6, /YAML/, /spaces/],
    ['tag', `${minimal}data: !!js/function x\n`, 5, /YAML/, /correct/],
    ['bad name', minimal.replace('alice', '../alice'), 1, /name: not a name/, /lower-case|a-z/],
    [
      'bad client key',
      `${minimal}clients:\n  - name: w\n    publicKey: abc\n`,
      7,
      /clients\.0\.publicKey: not a public key/,
      /64/,
    ],
    [
      'client twice',
      `${minimal}clients:\n  - {name: w, publicKey: ${'ab'.repeat(32)}}\n  - {name: v, publicKey: ${'ab'.repeat(32)}}\n`,
      7,
      /clients\.1\.publicKey: appears twice/,
      /own/,
    ],
    [
      'bad action',
      `${minimal}clients:\n  - name: w\n    publicKey: ${'ab'.repeat(32)}\n    rights:\n      - {keys: ['*'], purposes: ['*'], actions: [steal]}\n`,
      9,
      /known words/,
      /sign/,
    ],
    [
      'both root sources',
      minimal.replace('keyFile: root.key', 'keyFile: a\n  passphraseFile: b'),
      3,
      /root key/,
      /keyFile/,
    ],
    [
      'secret in the config',
      minimal.replace('keyFile: root.key', 'passphrase: hunter2'),
      3,
      /root key/,
      /passphraseFile/,
    ],
    [
      'listen with a peer',
      `${minimal}listen: [/ip4/1.2.3.4/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5]\n`,
      5,
      /listen\.0: names a peer/,
      /p2p/,
    ],
    ['fewer presignatures than none', `${minimal}presignatures: -1\n`, 5, /negative/, /0 makes none/],
    ['presignatures without end', `${minimal}presignatures: 65\n`, 5, /too many/, /at most 64/],
    ['threshold above participants', `${minimal}threshold: 4\nparticipants: 3\n`, 5, /threshold 4 of 3/, /all/],
    ['refreshes without a pause', `${minimal}refreshInterval: 5\n`, 5, /refreshInterval/, /0 for none/],
    ['stock too deep', `${minimal}stock: 5\n`, 5, /stock: too many/, /at most 4/],
    ['stock below nothing', `${minimal}stock: -1\n`, 5, /stock: negative/, /0 makes nothing/],
    ['long socket path', `${minimal}admin: ${'a'.repeat(100)}\n`, 5, /longer than/, /shorter/],
    ['not a map', '- a\n', 1, /the file is of the wrong type/, /object/],
    ['empty', '', 1, /name is missing/, /add it/],
    ['prototype', `${minimal}__proto__: {polluted: 1}\n`, 5, /__proto__ is not a known key/, /remove/],
  ])('%s: the error names the line and the remedy', (_name, text, line, problem, remedy) => {
    const [first] = refused(text);
    expect(first).toMatchObject({
      file: '/etc/quorate/node.yaml',
      line,
      problem: expect.stringMatching(problem),
      remedy: expect.stringMatching(remedy),
    });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('every problem is reported at once, and none repeats what was written', () => {
    const all = refused(`name: Alice Secret\nnetwork: n\nroot: {keyFile: k}\nfoo: 1\nbar: 2\n`);
    expect(all).toHaveLength(3);
    expect(JSON.stringify(all)).not.toContain('Secret');
  });

  test('an alias bomb is refused', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;
    expect(refused(bomb)[0]?.problem).toMatch(/alias/i);
  });

  test('a missing file names the way out', () => {
    const [problem] = problems(() => loadConfig('/nowhere.yaml', {}, {}, folder('')));
    expect(problem).toMatchObject({
      file: '/nowhere.yaml',
      line: 0,
      problem: 'there is no such file',
      remedy: '`quorate init` makes one',
    });
  });

  test('the network id is fixed by the name', () => {
    expect(toHex(networkIdOf('quorate-testnet'))).toMatchInlineSnapshot(
      `"c5871bd325f79fcfd5765344c80c6a0b6ae743577da56a89fa1136114e7b6b07"`,
    );
  });
});
