// Loaded with --import: the node that follows speaks the next version of the wire format.
import { registerHooks } from 'node:module';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/network/hello.ts')) return loaded;
    const source = Buffer.from(/** @type {Uint8Array} */ (loaded.source)).toString('utf8');
    const patched = source.replace('wireVersion = 1;', 'wireVersion = 2;');
    if (patched === source) throw new Error('the wire version is not where it was');
    return { ...loaded, source: patched };
  },
});
