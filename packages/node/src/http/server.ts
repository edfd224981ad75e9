import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { networkIdOf } from '../config/config.ts';
import { limits } from '../limits.ts';
import type { Log } from '../observe/log.ts';
import type { Service } from '../service.ts';
import { parseStrictJson } from './json.ts';
import { type Problem, problem, problemOf } from './problem.ts';
import { addRoutes } from './routes.ts';
import { listenPrivately } from './socket.ts';

type RequestLog = Pick<Log, 'debug' | 'info' | 'error'>;

export interface ServerOptions {
  /** The path of the Unix socket. */
  readonly socket: string;
  /** Told of requests: method, path, status and duration, never a body. */
  readonly logger?: RequestLog | undefined;
}

export interface RunningServer {
  /** Ends streams and waits, answers what is under way, and removes the socket. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * Serves `service` as HTTP/JSON on a Unix socket that only this user can reach: the file's mode is the authentication, so
 * the Host header says nothing and is not looked at.
 * @throws {SocketError} if the socket is in use, or cannot be made safely
 */
export async function startServer(service: Service, { socket, logger }: ServerOptions): Promise<RunningServer> {
  const { network } = await service.status();
  const closing = new AbortController();
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeout,
    http: { maxHeaderSize: limits.headerBytes, requireHostHeader: false },
    routerOptions: { maxParamLength: limits.routePartCharacters },
    exposeHeadRoutes: false,
    clientErrorHandler: refuseRaw,
    frameworkErrors: (_, __, reply) => send(reply as FastifyReply, problem('not-found', 'there is no such route')),
  });
  app.server.maxConnections = limits.adminConnections;
  readBodies(app);
  answerErrors(app, logger);
  addRoutes(app, service, networkIdOf(network), closing.signal);
  await app.ready();
  await listenPrivately(app.server, socket);

  let closed: Promise<void> | undefined;
  return {
    close: async () => {
      closed ??= stop(app, closing);
      await closed;
    },
  };
}

function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    body.length === 0 ? undefined : parseStrictJson(body),
  );
  // A secret: bytes, which can be wiped, and not a text, which cannot.
  const secret = { parseAs: 'buffer', bodyLimit: limits.secretBytes } as const;
  app.addContentTypeParser('application/octet-stream', secret, async (_: unknown, body: Buffer) => body);
}

function answerErrors(app: FastifyInstance, logger: RequestLog | undefined): void {
  app.setErrorHandler((error, { method, url }, reply) => {
    const answer = problemOf(error);
    if (answer.code === 'internal') logger?.error('a request failed', { method, url, error });
    send(reply, answer);
  });
  app.setNotFoundHandler(({ url }, reply) => {
    const known = (['GET', 'POST'] as const).filter((method) => app.findRoute({ method, url: pathOf(url) }) !== null);
    if (known.length === 0) return send(reply, problem('not-found', 'there is no such route'));
    reply.header('allow', known.join(', '));
    send(reply, problem('method-not-allowed', `this route takes ${known.join(', ')}`));
  });
  app.addHook('onResponse', async ({ method, url }, reply) => {
    // Whoever looks, looks often; what changes something is worth a line in any log.
    const level = method === 'GET' ? 'debug' : 'info';
    logger?.[level]('request', { method, url, status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime) });
  });
}

function send(reply: FastifyReply, answer: Problem): void {
  void reply.code(answer.status).type('application/problem+json').send(JSON.stringify(answer));
}

/** What is not even HTTP. */
function refuseRaw(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const body = JSON.stringify(problem('bad-request', 'the request cannot be read as HTTP'));
  const head = 'HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nconnection: close';
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

async function stop(app: FastifyInstance, closing: AbortController): Promise<void> {
  closing.abort();
  // Whoever is still sending a request must not keep the node from stopping.
  const force = setTimeout(() => app.server.closeAllConnections(), limits.closing);
  try {
    await app.close();
  } finally {
    clearTimeout(force);
  }
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}
