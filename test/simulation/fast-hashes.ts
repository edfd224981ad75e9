import { registerHooks } from 'node:module';

/** From here on the protocol package hashes by OpenSSL: to be loaded before it. */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (!resolved.url.endsWith('/protocol/src/primitives/hash.ts')) return resolved;
    return { ...resolved, url: new URL('./openssl-hashes.ts', import.meta.url).href };
  },
});
