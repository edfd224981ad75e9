import { STATUS_CODES } from 'node:http';
import { ServiceError, type ServiceErrorCode } from '../service.ts';

/** What the transport refuses by itself, before the service is asked. */
export const transportErrorCodes = [
  'not-found',
  'method-not-allowed',
  'body-too-large',
  'media-type',
  'bad-request',
  'internal',
] as const;
export type TransportErrorCode = (typeof transportErrorCodes)[number];

export type ProblemCode = ServiceErrorCode | TransportErrorCode;

/** RFC 9457 `application/problem+json`; `code` is stable. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
}

/** The only place that knows which HTTP status an error has. */
export const statusOf: Readonly<Record<ProblemCode, number>> = {
  invalid: 400,
  denied: 403,
  'key-unknown': 404,
  'wrong-key': 409,
  'not-member': 421,
  'peer-unknown': 404,
  'ceremony-unknown': 404,
  'name-taken': 409,
  'request-conflict': 409,
  'not-waiting': 409,
  'not-banned': 409,
  expired: 410,
  busy: 429,
  integrity: 500,
  'no-quorum': 503,
  stopping: 503,
  'bad-request': 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'body-too-large': 413,
  'media-type': 415,
  internal: 500,
};

/** The problem document for a code. */
export function problem(code: ProblemCode, detail: string): Problem {
  const status = statusOf[code];
  return { type: `urn:quorate:problem:${code}`, title: STATUS_CODES[status] ?? code, status, detail, code };
}

/** The problem document for whatever was thrown while answering. What nobody foresaw is not shown to the caller. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ServiceError) return problem(error.code, error.message);
  // Fastify's own refusals: a body too large, a content type nobody reads, a request cut short.
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (status === 413) return problem('body-too-large', 'the body is larger than any order; send less');
  if (status === 415) return problem('media-type', 'send application/json');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return problem('bad-request', 'the request cannot be read as HTTP');
  }
  return problem('internal', 'the node failed to answer; its log says why');
}
