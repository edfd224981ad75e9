import { type IncomingMessage, request } from 'node:http';
import { type BitcoinNetwork, type frost, Secret, wipe } from '@quorate/protocol';
import {
  type AddressesView,
  type AuditOrder,
  type AuditView,
  type CeremonyView,
  type ExportOrder,
  type HealthView,
  type ImportOrder,
  type KeygenOrder,
  type KeyView,
  type MemberView,
  type PeerView,
  type RepairOrder,
  type ReshareOrder,
  type ReshareView,
  ServiceError,
  type StandingView,
  type StatusView,
} from '../service.ts';
import { type Problem, type ProblemCode, type TransportErrorCode, transportErrorCodes } from './problem.ts';
import type { SignOrder } from './schemas.ts';

/** A running node, over its admin socket. Every method throws what the service throws, and {@link NodeSilent}. */
export interface NodeClient {
  status(): Promise<StatusView>;
  health(): Promise<HealthView>;
  audit(order: AuditOrder): Promise<AuditView>;
  peers(): Promise<readonly PeerView[]>;
  unban(name: string): Promise<PeerView>;
  resolve(): Promise<StandingView>;
  roster(): Promise<readonly MemberView[]>;
  keys(): Promise<readonly KeyView[]>;
  key(name: string): Promise<KeyView>;
  addresses(name: string, path: string, bitcoin?: BitcoinNetwork): Promise<AddressesView>;
  freeze(name: string, frozen: boolean): Promise<KeyView>;
  refresh(name: string): Promise<CeremonyView>;
  previewReshare(name: string, order: ReshareOrder): Promise<ReshareView>;
  reshare(name: string, order: ReshareOrder): Promise<CeremonyView>;
  repair(name: string, order: RepairOrder): Promise<CeremonyView>;
  keygen(order: KeygenOrder): Promise<CeremonyView>;
  /** The secret stays the caller's. */
  importKey(order: ImportOrder, secret: Secret): Promise<CeremonyView>;
  exportKey(name: string, order: ExportOrder): Promise<CeremonyView>;
  /** The private key that an export has put together, once; the caller wipes it. */
  takeExported(id: string): Promise<Secret>;
  /** This node's share as other software reads it; the caller wipes it. */
  keyPackage(name: string): Promise<frost.ZfPackages>;
  sign(order: SignOrder): Promise<CeremonyView>;
  ceremonies(): Promise<readonly CeremonyView[]>;
  ceremony(id: string, waitMilliseconds?: number): Promise<CeremonyView>;
  accept(id: string, publicKey?: string): Promise<CeremonyView>;
  cancel(id: string): Promise<CeremonyView>;
  /** Resolves once the node reports every later change; ends when the node stops. */
  events(): Promise<Events>;
}

/** Changes of ceremonies, to be read once. Dispose of it to stop listening. */
export interface Events extends AsyncIterable<CeremonyView>, Disposable {}

/** Nothing answers at the socket, or it stopped answering. */
export class NodeSilent extends Error {
  override readonly name = 'NodeSilent';
  readonly code = 'node-silent';

  constructor(socket: string, cause: unknown) {
    const why = cause instanceof Error && 'code' in cause && cause.code === 'EACCES' ? ' to this user' : '';
    super(`no node answers${why} at ${socket}; start it with \`quorate start\``, { cause });
  }
}

/** The node, or something in its place, refused the request as such. */
class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A client of the node that listens at `socket`. Connects for each request. */
export function connectNode(socket: string): NodeClient {
  const get = async <T>(path: string): Promise<T> => await call<T>(socket, 'GET', path);
  const post = async <T>(path: string, body?: object): Promise<T> => await call<T>(socket, 'POST', path, body);
  const keyPath = (name: string): string => `/v1/keys/${encodeURIComponent(name)}`;
  const ceremonyPath = (id: string): string => `/v1/ceremonies/${encodeURIComponent(id)}`;
  return {
    status: async () => await get('/v1/status'),
    health: async () => await get('/v1/health'),
    audit: async ({ after, most }) =>
      await get(`/v1/audit?most=${most}${after === undefined ? '' : `&after=${after}`}`),
    peers: async () => (await get<{ peers: PeerView[] }>('/v1/peers')).peers,
    unban: async (name) => await post(`/v1/peers/${encodeURIComponent(name)}/unban`),
    resolve: async () => await post('/v1/identity/resolve'),
    roster: async () => (await get<{ members: MemberView[] }>('/v1/roster')).members,
    keys: async () => (await get<{ keys: KeyView[] }>('/v1/keys')).keys,
    key: async (name) => await get(keyPath(name)),
    addresses: async (name, path, bitcoin = 'mainnet') =>
      await get(`${keyPath(name)}/addresses?path=${encodeURIComponent(path)}&bitcoin=${bitcoin}`),
    freeze: async (name, frozen) => await post(`${keyPath(name)}/${frozen ? 'freeze' : 'thaw'}`),
    refresh: async (name) => await post(`${keyPath(name)}/refresh`),
    previewReshare: async (name, order) => await post(`${keyPath(name)}/reshare/preview`, order),
    reshare: async (name, order) => await post(`${keyPath(name)}/reshare`, order),
    repair: async (name, order) => await post(`${keyPath(name)}/repair`, order),
    keygen: async (order) => await post('/v1/keys', order),
    importKey: async (order, secret) => {
      const bytes = secret.use((value) => value.slice());
      try {
        return await call(socket, 'POST', `/v1/keys/import?${importQueryOf(order)}`, bytes);
      } finally {
        wipe(bytes);
      }
    },
    exportKey: async (name, order) => await post(`${keyPath(name)}/export`, order),
    takeExported: async (id) => await callForSecret(socket, `${ceremonyPath(id)}/secret`),
    keyPackage: async (name) => packagesOf(await callForSecret(socket, `${keyPath(name)}/package`)),
    sign: async (order) => await post('/v1/sign', order),
    ceremonies: async () => (await get<{ ceremonies: CeremonyView[] }>('/v1/ceremonies')).ceremonies,
    ceremony: async (id, wait = 0) => await get(`${ceremonyPath(id)}?wait=${wait}`),
    accept: async (id, publicKey) =>
      await post(`${ceremonyPath(id)}/accept`, publicKey === undefined ? undefined : { publicKey }),
    cancel: async (id) => await post(`${ceremonyPath(id)}/cancel`),
    events: async () => eventsOf(await open(socket, 'GET', '/v1/ceremonies/events'), socket),
  };
}

/** The share's package on the first line, what is public on the second. */
function packagesOf(lines: Secret): frost.ZfPackages {
  using both = lines;
  return both.use((bytes) => {
    const end = bytes.indexOf(0x0a);
    return {
      keyPackage: new Secret(bytes.slice(0, end)),
      publicKeyPackage: new TextDecoder().decode(bytes.subarray(end + 1)),
    };
  });
}

/** What of an import is no secret. */
function importQueryOf({ allowLowThreshold, members, ...order }: ImportOrder): string {
  const fields = { ...order, members: members?.join(','), allowLowThreshold };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** @param body bytes, or what is sent as JSON */
async function call<T>(socket: string, method: string, path: string, body?: object): Promise<T> {
  const response = await open(socket, method, path, body);
  const text = await read(response, socket);
  const status = response.statusCode ?? 0;
  const type = response.headers['content-type'] ?? '';
  const value = json(text);
  if (type.startsWith('application/problem+json')) throw refusalOf(value as Problem);
  // A node that is not ready says so with 503 and says why, which is an answer.
  if (!type.startsWith('application/json') || (status !== 503 && status >= 300)) {
    throw new TransportError('bad-request', `what answers at ${socket} is not a node of this version`);
  }
  return value as T;
}

/** As `call`, of an answer that is a secret: never a text. */
async function callForSecret(socket: string, path: string): Promise<Secret> {
  const response = await open(socket, 'POST', path);
  const answer = await readBytes(response, socket);
  if (response.headers['content-type'] === 'application/octet-stream') {
    const secret = new Secret(new Uint8Array(answer));
    wipe(answer);
    return secret;
  }
  throw refusalOf(json(answer.toString('utf8')) as Problem);
}

async function open(socketPath: string, method: string, path: string, body?: object): Promise<IncomingMessage> {
  const isBytes = body instanceof Uint8Array;
  const content = body === undefined || isBytes ? body : JSON.stringify(body);
  const type = isBytes ? 'application/octet-stream' : 'application/json';
  const headers = content === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(content) };
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers, agent: false }, resolve);
    sent.once('error', (cause) => reject(new NodeSilent(socketPath, cause)));
    sent.end(content);
  });
}

async function read(response: IncomingMessage, socket: string): Promise<string> {
  return (await readBytes(response, socket)).toString('utf8');
}

async function readBytes(response: IncomingMessage, socket: string): Promise<Buffer> {
  try {
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const whole = Buffer.concat(parts);
    for (const part of parts) part.fill(0);
    return whole;
  } catch (cause) {
    throw new NodeSilent(socket, cause);
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusalOf({ code, detail }: Problem): Error {
  return isTransportCode(code) ? new TransportError(code, detail) : new ServiceError(code, detail);
}

function isTransportCode(code: ProblemCode): code is TransportErrorCode {
  return (transportErrorCodes as readonly ProblemCode[]).includes(code);
}

function eventsOf(response: IncomingMessage, socket: string): Events {
  return {
    [Symbol.asyncIterator]: () => readEvents(response, socket),
    [Symbol.dispose]: () => void response.destroy(),
  };
}

async function* readEvents(response: IncomingMessage, socket: string): AsyncGenerator<CeremonyView> {
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const part of response) {
      const lines = `${rest}${part}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as CeremonyView;
    }
  } catch (cause) {
    throw new NodeSilent(socket, cause);
  } finally {
    response.destroy();
  }
}
