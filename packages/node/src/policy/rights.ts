import { toHex } from '@quorate/protocol';
import type { Config } from '../config/config.ts';
import type { Acceptance, Client } from '../config/file.ts';

/** What a client may ask for. */
export type Action = Client['rights'][number]['actions'][number];

/** The client with this public key, as pinned in this node's configuration. */
export function clientOf(publicKey: Uint8Array, clients: readonly Client[]): Client | undefined {
  const text = toHex(publicKey);
  return clients.find((client) => client.publicKey === text);
}

/** Whether one of the client's rights covers this key, purpose and action. */
export function mayAsk(client: Client, key: string, purpose: string, action: Action): boolean {
  return client.rights.some(
    (right) =>
      right.actions.includes(action) &&
      right.keys.some((pattern) => matches(pattern, key)) &&
      right.purposes.some((pattern) => matches(pattern, purpose)),
  );
}

/** Whether this node takes part in what a member proposes: by itself, if its operator says so, or not at all. */
export function ruleFor(proposer: string, { accept }: Pick<Config, 'accept'>): Acceptance {
  return accept.proposers[proposer] ?? accept.default;
}

/** Whether `text` matches `pattern`, in which `*` stands for any characters; nothing else is special. */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return text === pattern;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() as string;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - position >= last.length && text.endsWith(last);
}
