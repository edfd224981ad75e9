export * from './bytes.ts';
export { type Randomness, seeded } from './random.ts';
export { Secret, wipe } from './secret.ts';
export { hash } from './transcript.ts';
export * as wire from './wire/codec.ts';
