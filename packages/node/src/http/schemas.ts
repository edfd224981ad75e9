import {
  type BitcoinNetwork,
  bitcoinNetworks,
  DerivationError,
  fromHex,
  isName,
  MAX_NAME,
  parsePath,
  type Scheme,
  Secret,
  schemes,
  toHex,
  wipe,
} from '@quorate/protocol';
import { z } from 'zod';
import { contentOf, type HashName, hashNames, type Intent, MAX_MESSAGE } from '../intents/intent.ts';
import { limits } from '../limits.ts';
import type { SignRequest } from '../policy/sign-request.ts';
import {
  type AuditOrder,
  type ExportOrder,
  type ImportOrder,
  type KeygenOrder,
  type RepairOrder,
  type ReshareOrder,
  ServiceError,
} from '../service.ts';

/** A client's order as JSON: bytes are lower-case hex. The network is the node's own, and is not said. */
export interface SignOrder {
  readonly key: string;
  readonly purpose: string;
  readonly intent: IntentOrder;
  /** Default: `m`, the key itself. */
  readonly path?: string | undefined;
  readonly expires: number;
  readonly client: string;
  readonly idempotencyKey: string;
  readonly signature: string;
}

/** `hex` is the message, or of a `digest` its 32 bytes. */
type IntentOrder =
  | { readonly type: 'message' | 'digest'; readonly hex: string }
  | { readonly type: 'hashed'; readonly hash: HashName; readonly hex: string };

const name = z
  .string()
  .refine(isName, `not a name: 1 to ${MAX_NAME} of A-Z a-z 0-9 . _ @ : -, a letter or digit first`);

/** Lower-case hex of `min` to `max` bytes. */
function hex(min: number, max: number): z.ZodType<string> {
  const size = min === max ? `${min}` : `${min} to ${max}`;
  return z
    .string()
    .max(2 * max, `not ${size} bytes`)
    .refine((text) => text.length >= 2 * min && /^(?:[0-9a-f]{2})*$/.test(text), `not ${size} bytes in lower-case hex`);
}

const path = z
  .string()
  .max(255)
  .superRefine((text, context) => {
    try {
      parsePath(text);
    } catch (error) {
      if (!(error instanceof DerivationError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  });

const intentSchema: z.ZodType<IntentOrder> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('message'), hex: hex(0, MAX_MESSAGE) }),
  z.strictObject({
    type: z.literal('hashed'),
    hash: z.enum(hashNames as readonly [HashName, ...HashName[]]),
    hex: hex(0, MAX_MESSAGE),
  }),
  z.strictObject({ type: z.literal('digest'), hex: hex(32, 32) }),
]);

const keygenSchema: z.ZodType<KeygenOrder> = z.strictObject({
  name,
  scheme: z.enum(schemes as readonly [Scheme, ...Scheme[]]),
  purpose: name.optional(),
  threshold: z.int().min(2).max(100).optional(),
  members: z.array(name).min(2).max(100).optional(),
  allowLowThreshold: z.boolean().optional(),
});

/** Everything but the secret, as a query. */
const importQuery: z.ZodType<ImportOrder> = z.strictObject({
  name,
  scheme: z.enum(schemes as readonly [Scheme, ...Scheme[]]),
  publicKey: hex(32, 33),
  purpose: name.optional(),
  threshold: z
    .string()
    .regex(/^(?:[2-9]|[1-9][0-9]|100)$/, 'not a number of parties')
    .transform(Number)
    .optional(),
  members: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(name).min(2).max(100))
    .optional(),
  allowLowThreshold: z
    .literal('true')
    .transform(() => true)
    .optional(),
});

const reshareSchema: z.ZodType<ReshareOrder> = z.strictObject({
  threshold: z.int().min(2).max(100).optional(),
  members: z.array(name).min(2).max(100).optional(),
  allowLowThreshold: z.boolean().optional(),
});

const acceptSchema = z.strictObject({ publicKey: z.union([hex(32, 32), hex(33, 33)]).optional() });

const repairSchema: z.ZodType<RepairOrder> = z.strictObject({
  publicKey: hex(32, 33).optional(),
  helpers: z.array(name).min(1).max(100).optional(),
});

const exportSchema: z.ZodType<ExportOrder> = z.strictObject({ helpers: z.array(name).min(1).max(100).optional() });

const signSchema: z.ZodType<SignOrder> = z.strictObject({
  key: name,
  purpose: name,
  intent: intentSchema,
  path: path.optional(),
  expires: z
    .int()
    .min(0)
    .max(2 ** 48 - 1),
  client: hex(32, 32),
  idempotencyKey: hex(1, 64),
  signature: hex(64, 64),
});

const nameParameters = z.strictObject({ name });
const ceremonyParameters = z.strictObject({ id: hex(32, 32) });
const nothing = z.strictObject({});
const addressesQuery = z.strictObject({
  path: path.default('m'),
  bitcoin: z.enum(bitcoinNetworks as readonly [BitcoinNetwork, ...BitcoinNetwork[]]).default('mainnet'),
});
const auditQuery = z.strictObject({
  after: z
    .string()
    .regex(/^[0-9]{1,15}$/, 'not the number of an entry')
    .transform(Number)
    .optional(),
  most: z
    .string()
    .regex(/^[1-9][0-9]{0,8}$/, 'not a number of entries')
    .transform((text) => Math.min(Number(text), limits.auditPage))
    .default(limits.auditPage),
});
const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^[0-9]{1,9}$/, 'not milliseconds')
    .transform((text) => Math.min(Number(text), limits.longPoll))
    .default(0),
});

/** @throws {ServiceError} `invalid` */
export function readKeygenOrder(body: unknown): KeygenOrder {
  return conform(keygenSchema, body, 'body');
}

/** @throws {ServiceError} `invalid` */
export function readImportOrder(query: unknown): ImportOrder {
  return conform(importQuery, query, 'query');
}

/** The secret in a body of bytes, which it wipes. @throws {ServiceError} `invalid`, which repeats nothing of it */
export function readSecret(body: unknown): Secret {
  if (!(body instanceof Uint8Array) || body.length !== limits.secretBytes) {
    if (body instanceof Uint8Array) wipe(body);
    throw new ServiceError(
      'invalid',
      `the body is a private key: ${limits.secretBytes} bytes, application/octet-stream`,
    );
  }
  const secret = new Secret(new Uint8Array(body));
  wipe(body);
  return secret;
}

/** The body may be left out. @throws {ServiceError} `invalid` */
export function readExportOrder(body: unknown): ExportOrder {
  return conform(exportSchema, body ?? {}, 'body');
}

/** @throws {ServiceError} `invalid` */
export function readReshareOrder(body: unknown): ReshareOrder {
  return conform(reshareSchema, body, 'body');
}

/** The public key that an operator gives with its yes, if it does. @throws {ServiceError} `invalid` */
export function readAcceptance(body: unknown): string | undefined {
  return conform(acceptSchema, body ?? {}, 'body').publicKey;
}

/** The body may be left out. @throws {ServiceError} `invalid` */
export function readRepairOrder(body: unknown): RepairOrder {
  return conform(repairSchema, body ?? {}, 'body');
}

/** The order that the JSON stands for, on this node's network. @throws {ServiceError} `invalid` */
export function readSignRequest(body: unknown, network: Uint8Array): SignRequest {
  const order = conform(signSchema, body, 'body');
  return {
    network,
    key: order.key,
    purpose: order.purpose,
    intent: intentOf(order.intent),
    path: order.path ?? 'm',
    expires: order.expires,
    client: fromHex(order.client),
    idempotencyKey: fromHex(order.idempotencyKey),
    signature: fromHex(order.signature),
  };
}

function intentOf(order: IntentOrder): Intent {
  const value = fromHex(order.hex);
  return order.type === 'hashed'
    ? { type: order.type, value: { hash: order.hash, message: value } }
    : { type: order.type, value };
}

/** @throws {ServiceError} `key-unknown`: a text that is no name cannot name a key */
export function readKeyName(parameters: unknown): string {
  const read = nameParameters.safeParse(parameters);
  if (!read.success) throw new ServiceError('key-unknown', 'there is no such key; `quorate keys` lists them');
  return read.data.name;
}

/** @throws {ServiceError} `peer-unknown`: a text that is no name cannot name a member */
export function readPeerName(parameters: unknown): string {
  const read = nameParameters.safeParse(parameters);
  if (!read.success) throw new ServiceError('peer-unknown', 'there is no such member; `quorate peers` lists them');
  return read.data.name;
}

/** @throws {ServiceError} `invalid` */
export function readAuditQuery(query: unknown): AuditOrder {
  return conform(auditQuery, query, 'query');
}

/** @throws {ServiceError} `invalid` */
export function readCeremonyId(parameters: unknown): string {
  return conform(ceremonyParameters, parameters, 'path').id;
}

/** @returns milliseconds @throws {ServiceError} `invalid` */
export function readWait(query: unknown): number {
  return conform(waitQuery, query, 'query').wait;
}

/** A BIP-32 path without hardened steps, `m` if none is given, and a network, by default `mainnet`. @throws {ServiceError} `invalid` */
export function readAddressesQuery(query: unknown): { readonly path: string; readonly bitcoin: BitcoinNetwork } {
  return conform(addressesQuery, query, 'query');
}

/** For routes that take no body and no query. @throws {ServiceError} `invalid` */
export function expectNothing(value: unknown, place: 'body' | 'query'): void {
  conform(nothing, value ?? {}, place);
}

function conform<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${[place, ...path].join('.')}: ${message}`);
  throw new ServiceError('invalid', `${problems.join('; ')}; docs/cli.md says what each route takes`);
}

/** A signed order as its JSON. The network is left out: it is the node's own. */
export function orderOf(request: SignRequest): SignOrder {
  const { key, purpose, intent, path, expires, client, idempotencyKey, signature } = request;
  const hex = toHex(contentOf(intent));
  return {
    key,
    purpose,
    intent: intent.type === 'hashed' ? { type: intent.type, hash: intent.value.hash, hex } : { type: intent.type, hex },
    path,
    expires,
    client: toHex(client),
    idempotencyKey: toHex(idempotencyKey),
    signature: toHex(signature),
  };
}
