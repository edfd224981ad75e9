import type { FastifyReply } from 'fastify';
import { limits } from '../limits.ts';
import type { Service } from '../service.ts';

/**
 * Answers with every change of a ceremony from now on, one JSON document a line (`application/x-ndjson`), until the caller
 * leaves or the server closes. The headers leave once the subscription stands: whoever has them misses nothing after.
 */
export function streamCeremonies(service: Service, reply: FastifyReply, closing: AbortSignal): void {
  reply.hijack();
  const { raw } = reply;
  const stop = service.follow((ceremony) => {
    // A follower that does not read may not make the node keep everything for it.
    if (raw.writableLength > limits.queuedEventBytes) raw.destroy();
    else raw.write(`${JSON.stringify(ceremony)}\n`);
  });
  const end = (): void => void raw.end();
  raw.once('close', () => {
    stop();
    closing.removeEventListener('abort', end);
  });
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  raw.flushHeaders();
  if (closing.aborted) end();
  else closing.addEventListener('abort', end);
}
