import { ceremonies } from './ceremonies.ts';
import { derivation } from './derivation.ts';
import { dkg } from './dkg.ts';
import { dkls23 } from './dkls23.ts';
import { exports } from './exports.ts';
import { floods } from './floods.ts';
import { frost } from './frost.ts';
import { imports } from './imports.ts';
import { marks } from './marks.ts';
import type { Mutant } from './mutant.ts';
import { network } from './network.ts';
import { pairs } from './pairs.ts';
import { presigning } from './presigning.ts';
import { refresh } from './refresh.ts';
import { renewal } from './renewal.ts';
import { repair } from './repair.ts';
import { reshare } from './reshare.ts';
import { session } from './session.ts';
import { stock } from './stock.ts';
import { storage } from './storage.ts';

/** What `npm run mutants -- --only` takes. */
export const rooms: Readonly<Record<string, readonly Mutant[]>> = {
  dkls23,
  frost,
  dkg,
  renewal,
  derivation,
  session,
  ceremonies,
  refresh,
  reshare,
  floods,
  marks,
  repair,
  imports,
  exports,
  presigning,
  pairs,
  stock,
  storage,
  network,
};
