import { registerHooks } from 'node:module';

const twin = new URL('./openssl-hashes.ts', import.meta.url).href;

/** From here on the protocol package hashes by OpenSSL: to be loaded before it. */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    const isAsked = resolved.url.endsWith('/protocol/src/primitives/hash.ts') && context.parentURL !== twin;
    return isAsked ? { ...resolved, url: twin } : resolved;
  },
});
