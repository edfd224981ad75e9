import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CeremonyView, Service } from '../service.ts';
import { streamCeremonies } from './events.ts';
import {
  expectNothing,
  readAcceptance,
  readAddressesQuery,
  readAuditQuery,
  readCeremonyId,
  readExportOrder,
  readImportOrder,
  readKeygenOrder,
  readKeyName,
  readPeerName,
  readRepairOrder,
  readReshareOrder,
  readSecret,
  readSignRequest,
  readWait,
} from './schemas.ts';

/**
 * The routes of `/v1`. Lists are wrapped in an object, so that more can be said beside them one day.
 * @param network the node's network id, 32 bytes: what a client's signature covers and its JSON does not repeat
 * @param closing aborts when the server closes: whoever waits is answered with what there is
 */
export function addRoutes(app: FastifyInstance, service: Service, network: Uint8Array, closing: AbortSignal): void {
  app.get(
    '/v1/status',
    bare(async () => await service.status()),
  );
  app.get(
    '/v1/health',
    bare(async (reply) => {
      const health = await service.health();
      reply.code(health.ready ? 200 : 503);
      return health;
    }),
  );
  app.get('/v1/audit', async ({ body, query }) => {
    expectNothing(body, 'body');
    return await service.audit(readAuditQuery(query));
  });
  app.get(
    '/v1/peers',
    bare(async () => ({ peers: service.peers() })),
  );
  app.post(
    '/v1/peers/:name/unban',
    bare(async (_, params) => await service.unban(readPeerName(params))),
  );
  app.post(
    '/v1/identity/resolve',
    bare(async () => await service.resolve()),
  );
  app.get(
    '/v1/roster',
    bare(async () => ({ members: service.roster() })),
  );

  app.get(
    '/v1/keys',
    bare(async () => ({ keys: await service.keys() })),
  );
  app.get(
    '/v1/keys/:name',
    bare(async (_, params) => await service.key(readKeyName(params))),
  );
  app.get('/v1/keys/:name/addresses', async ({ params, query, body }) => {
    expectNothing(body, 'body');
    const { path, bitcoin } = readAddressesQuery(query);
    return await service.addresses(readKeyName(params), path, bitcoin);
  });
  app.post(
    '/v1/keys/:name/freeze',
    bare(async (_, params) => await service.freeze(readKeyName(params), true)),
  );
  app.post(
    '/v1/keys/:name/thaw',
    bare(async (_, params) => await service.freeze(readKeyName(params), false)),
  );
  app.post(
    '/v1/keys/:name/refresh',
    bare(async (reply, params) => begun(reply, await service.refresh(readKeyName(params)))),
  );
  app.post('/v1/keys/:name/reshare/preview', async ({ body, params, query }) => {
    expectNothing(query, 'query');
    return await service.previewReshare(readKeyName(params), readReshareOrder(body));
  });
  app.post('/v1/keys/:name/reshare', async ({ body, params, query }, reply) => {
    expectNothing(query, 'query');
    return begun(reply, await service.reshare(readKeyName(params), readReshareOrder(body)));
  });
  app.post('/v1/keys/:name/repair', async ({ body, params, query }, reply) => {
    expectNothing(query, 'query');
    return begun(reply, await service.repair(readKeyName(params), readRepairOrder(body)));
  });
  app.post('/v1/keys', async ({ body, query }, reply) => {
    expectNothing(query, 'query');
    return begun(reply, await service.keygen(readKeygenOrder(body)));
  });
  app.post('/v1/keys/import', async ({ body, query }, reply) => {
    using secret = readSecret(body);
    return begun(reply, await service.importKey(readImportOrder(query), secret));
  });
  app.post('/v1/keys/:name/export', async ({ body, params, query }, reply) => {
    expectNothing(query, 'query');
    return begun(reply, await service.exportKey(readKeyName(params), readExportOrder(body)));
  });
  app.post('/v1/ceremonies/:id/secret', ({ body, params, query }, reply) => {
    expectNothing(body, 'body');
    expectNothing(query, 'query');
    using secret = service.takeExported(readCeremonyId(params));
    const bytes = secret.use((value) => Buffer.from(value));
    reply.raw.once('close', () => bytes.fill(0));
    return reply.type('application/octet-stream').send(bytes);
  });
  app.post('/v1/keys/:name/package', async ({ body, params, query }, reply) => {
    expectNothing(body, 'body');
    expectNothing(query, 'query');
    const { keyPackage, publicKeyPackage } = await service.keyPackage(readKeyName(params));
    using secret = keyPackage;
    const lines = secret.use((bytes) => Buffer.concat([bytes, Buffer.from(`\n${publicKeyPackage}`)]));
    reply.raw.once('close', () => lines.fill(0));
    return await reply.type('application/octet-stream').send(lines);
  });
  app.post('/v1/sign', async ({ body, query }, reply) => {
    expectNothing(query, 'query');
    return begun(reply, await service.sign(readSignRequest(body, network)));
  });

  app.get(
    '/v1/ceremonies',
    bare(async () => ({ ceremonies: service.ceremonies() })),
  );
  app.get('/v1/ceremonies/events', ({ query }, reply) => {
    expectNothing(query, 'query');
    streamCeremonies(service, reply, closing);
  });
  app.get('/v1/ceremonies/:id', async ({ params, query, body }) => {
    expectNothing(body, 'body');
    const id = readCeremonyId(params);
    const wait = readWait(query);
    return await whileOpen(closing, service.ceremony(id, wait), async () => await service.ceremony(id, 0));
  });
  app.post('/v1/ceremonies/:id/accept', async ({ body, params, query }) => {
    expectNothing(query, 'query');
    return await service.accept(readCeremonyId(params), readAcceptance(body));
  });
  app.post(
    '/v1/ceremonies/:id/cancel',
    bare(async (_, params) => await service.cancel(readCeremonyId(params))),
  );
}

/** 202 while a ceremony runs on; 200 if it has ended, as when the same order is submitted again. */
function begun(reply: FastifyReply, ceremony: CeremonyView): CeremonyView {
  reply.code(ceremony.state === 'done' || ceremony.state === 'failed' ? 200 : 202);
  return ceremony;
}

/** A route that takes neither body nor query. */
function bare(
  answer: (reply: FastifyReply, params: unknown) => Promise<object>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<object> {
  return async ({ body, query, params }, reply) => {
    expectNothing(body, 'body');
    expectNothing(query, 'query');
    return await answer(reply, params);
  };
}

/** What `waiting` comes to, or `otherwise` if the server closes before. */
async function whileOpen<T>(closing: AbortSignal, waiting: Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  const close = (): void => resolve(undefined);
  closing.addEventListener('abort', close);
  if (closing.aborted) close();
  try {
    return (await Promise.race([waiting, closed])) ?? (await otherwise());
  } finally {
    closing.removeEventListener('abort', close);
  }
}
