import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

type Service = Readonly<Record<string, unknown>> & { readonly image: string; readonly volumes: readonly string[] };
interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, unknown>>;
}

const text = readFileSync('docker-compose.yml', 'utf8');
const compose = parse(text, { merge: true }) as ComposeFile;
const dockerfile = readFileSync('Dockerfile', 'utf8');
const parties = ['alice', 'bob', 'carol', 'dave', 'erin'];
const user = '10001:10001';

const service = (name: string): Service => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

describe.each(Object.keys(compose.services))('the container %s', (name) => {
  test('is confined', () => {
    expect(service(name)).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      ipc: 'none',
      init: true,
      ulimits: { core: 0 },
      mem_limit: '512m',
      memswap_limit: '512m',
      pids_limit: expect.any(Number),
      tmpfs: [expect.stringMatching(/^\/tmp:.*noexec,nosuid,nodev/)],
    });
  });

  test('asks for nothing of the host', () => {
    for (const key of ['privileged', 'devices', 'pid', 'userns_mode', 'ports', 'env_file']) {
      expect(service(name)).not.toHaveProperty(key);
    }
    expect([undefined, 'none']).toContain(service(name)['network_mode']);
    expect(text).not.toContain('docker.sock');
  });
});

describe.each(parties)('the party %s', (name) => {
  test('is an unprivileged node with its own volume, its own key file and no other', () => {
    const party = service(name);
    expect(party).toMatchObject({
      image: 'quorate',
      user,
      secrets: [`${name}-key`],
      volumes: [`${name}:/var/lib/quorate`, 'client:/run/client:ro'],
      networks: ['parties'],
      depends_on: { init: { condition: 'service_completed_successfully' } },
      healthcheck: { test: ['CMD', 'quorate', 'health'] },
      restart: 'unless-stopped',
    });
    expect(party).not.toHaveProperty('cap_add');
    expect(party).not.toHaveProperty('command');
  });

  test('has a key file that says that it is public', () => {
    expect(compose.secrets[`${name}-key`]).toEqual({ file: `testnet/keys/${name}.key` });
    expect(readFileSync(`testnet/keys/${name}.key`, 'latin1')).toBe(`TESTNET ONLY, NOT A SECRET:${name.padStart(5)}`);
  });
});

describe('the services that make the testnet', () => {
  test('are there and no others, run once, reach no network, and say that they are for a testnet only', () => {
    expect(Object.keys(compose.services)).toEqual(['keys', 'init', ...parties]);
    for (const name of ['keys', 'init']) {
      expect(service(name)).toMatchObject({
        image: 'quorate-testnet-init',
        labels: { 'org.quorate.testnet-only': 'true' },
        network_mode: 'none',
        restart: 'no',
      });
    }
    expect(text).toMatch(/^# TESTNET ONLY/);
  });

  test('init is unprivileged and makes every party', () => {
    expect(service('init')).toMatchObject({ user, secrets: parties.map((name) => `${name}-key`) });
    expect(service('init').volumes).toEqual([...parties, 'client'].map((name) => `${name}:/testnet/${name}`));
    expect(service('init')).not.toHaveProperty('cap_add');
    expect(dockerfile).toContain(`CMD ${JSON.stringify(parties).replaceAll(',', ', ')}`);
  });

  test('keys may change owners and nothing else, of the key files and nothing else', () => {
    expect(service('keys')).toMatchObject({
      user: '0:0',
      cap_add: ['CHOWN', 'DAC_READ_SEARCH'],
      volumes: ['./testnet/keys:/keys'],
    });
    expect(readdirSync('testnet/keys').sort()).toEqual(['README.md', ...parties.map((name) => `${name}.key`)]);
  });
});

test('the parties have a network that leads nowhere else', () => {
  expect(compose.networks).toEqual({ parties: { internal: true } });
});

describe('the image', () => {
  const stages = dockerfile.split(/^FROM /m).slice(1);
  const stage = (name: string): string => stages.find((one) => one.split('\n', 1)[0]?.endsWith(` AS ${name}`)) ?? '';

  test('runs as an unprivileged user, and what makes testnets is not in it', () => {
    expect([...stage('party').matchAll(/^USER (.*)$/gm)].map(([, name]) => name)).toEqual([user]);
    expect(stages.at(-1)?.trim()).toBe('party');
    expect(stages.filter((one) => one.includes('scripts/compose'))).toEqual([stage('testnet-init')]);
  });

  test('gets what is listed, and nothing that git ignores', () => {
    const [first, ...others] = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => /^[^#]/.test(line));
    expect(first).toBe('*');
    const admitted = others.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(admitted.filter((path) => !existsSync(path))).toEqual([]);
    expect(admitted).not.toContain('testnet');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    );
    for (const path of copied)
      expect(
        admitted.some((one) => path === one || path.startsWith(`${one}/`)),
        path,
      ).toBe(true);
  });
});
