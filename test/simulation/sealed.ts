import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** Cuts this thread off from real time and real entropy, for good: whoever asks for either gets an error. */
export function sealOff(): void {
  const forbid = (owner: object, name: string): void => {
    Object.defineProperty(owner, name, {
      value: () => {
        throw new Error(`${name} in a simulation: it would be another one in every run`);
      },
    });
  };
  forbid(Date, 'now');
  forbid(performance, 'now');
  forbid(Math, 'random');
  forbid(globalThis, 'setTimeout');
  forbid(globalThis, 'setInterval');
  forbid(Object.getPrototypeOf(globalThis.crypto) as object, 'getRandomValues');
  for (const name of ['randomBytes', 'randomFillSync', 'randomInt', 'randomUUID']) forbid(crypto, name);
  syncBuiltinESMExports();
}
