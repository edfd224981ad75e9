import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

let isBlinded = false;

/** Real curves blind what they multiply: it changes no result. Toy ones have no use for entropy. */
export function allowBlinding(allowed: boolean): void {
  isBlinded = allowed;
}

/** Cuts this thread off from real time and real entropy, for good: whoever asks for either gets an error. */
export function sealOff(): void {
  const replace = (owner: object, name: string, value: unknown): void => {
    Object.defineProperty(owner, name, { value });
  };
  const forbidden = (name: string) => (): never => {
    throw new Error(`${name} in a simulation: it would be another one in every run`);
  };
  for (const owner of [Date, performance]) replace(owner, 'now', forbidden('now'));
  replace(Math, 'random', forbidden('random'));
  for (const name of ['setTimeout', 'setInterval']) replace(globalThis, name, forbidden(name));
  for (const name of ['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID'])
    replace(crypto, name, forbidden(name));
  replace(Object.getPrototypeOf(globalThis.crypto) as object, 'getRandomValues', (bytes: Uint8Array) =>
    isBlinded ? bytes.fill(0x5a) : forbidden('getRandomValues')(),
  );
  syncBuiltinESMExports();
}
