import { systemClock } from '../../clock.ts';
import { networkIdOf } from '../../config/config.ts';
import { systemRandomness } from '../../entropy.ts';
import type { NodeClient } from '../../http/client.ts';
import { orderOf } from '../../http/schemas.ts';
import { limits } from '../../limits.ts';
import { signRequests } from '../../policy/sign-request.ts';
import type { CeremonyView } from '../../service.ts';
import { readClientKey } from '../client-key.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { addIntentOptions, type IntentOptions, readIntent } from '../intent.ts';
import { checked, isOver, printProgress } from '../progress.ts';
import { time } from '../text.ts';

interface SignOptions extends IntentOptions {
  readonly client: string;
  readonly purpose?: string;
  readonly expires: string;
  readonly idempotencyKey?: string;
  readonly wait: boolean;
}

export const addSign: AddCommand = (program, act) => {
  addIntentOptions(program.command('sign'))
    .description('order a signature as a client; print it')
    .argument('<key>', "the key's name")
    .requiredOption('--client <file>', "the client's key file")
    .option('--purpose <purpose>', "what the signature is for (default: the key's purpose)")
    .option('--expires <when>', 'seconds from now, or a time such as 2030-01-31T12:00:00Z', '60')
    .option(
      '--idempotency-key <text>',
      'the same for every retry of the same order, with the same --expires time (default: random)',
    )
    .option('--no-wait', 'return when the order is taken (exit code 4)')
    .action(act(sign));
};

async function sign(context: Context, key: string, options: SignOptions): Promise<ExitCode> {
  const intent = readIntent(options);
  const expires = readExpiry(options.expires, systemClock.now());
  const idempotencyKey = readIdempotencyKey(options.idempotencyKey);
  const client = readClientKey(options.client);
  const node = context.node();
  const { network } = await node.status();
  const purpose = options.purpose ?? (await node.key(key)).purpose;
  const path = options.path ?? 'm';
  const unsigned = { network: networkIdOf(network), key, purpose, intent, path, expires, idempotencyKey };
  const order = orderOf(signRequests.sign(unsigned, client));
  const begun = await node.sign(order);
  const ceremony = checked(options.wait ? await end(node, begun, printProgress(context)) : begun);
  const { result } = ceremony;
  context.print({ ...ceremony, order: { expires, idempotencyKey: order.idempotencyKey } }, () =>
    result?.type === 'signature' ? result.signature : ceremony.id,
  );
  if (result?.type === 'signature')
    context.say(`signed by ${result.signers.join(', ')} in ${Math.round(result.milliseconds)} ms`);
  else context.say(`pending until ${time(expires)}: quorate ceremonies show ${ceremony.id}`);
  return result === undefined ? exits.pending : exits.ok;
}

/** Waits for the end. Every order ends by its expiry, so this does. */
async function end(
  node: NodeClient,
  begun: CeremonyView,
  show: (ceremony: CeremonyView) => void,
): Promise<CeremonyView> {
  let ceremony = begun;
  while (!isOver(ceremony)) {
    show(ceremony);
    ceremony = await node.ceremony(ceremony.id, limits.longPoll);
  }
  return ceremony;
}

function readExpiry(text: string, now: number): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return now + Number(text) * 1000;
  const moment = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment))
    throw new CliError(
      'usage',
      `--expires: give seconds, at most ${limits.longestRequest / 1000}, or a time such as ${time(now + 60_000)}`,
    );
  return moment;
}

function readIdempotencyKey(text: string | undefined): Uint8Array {
  const bytes = text === undefined ? systemRandomness.bytes(16) : new TextEncoder().encode(text);
  if (bytes.length === 0 || bytes.length > 64)
    throw new CliError('usage', '--idempotency-key: give 1 to 64 bytes of text');
  return bytes;
}
