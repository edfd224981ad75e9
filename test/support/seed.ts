import { configureGlobal } from 'fast-check';

/** Property tests draw the same cases in every run; `QUORATE_SEED=<number>` draws others. */
configureGlobal({ seed: Number(process.env['QUORATE_SEED'] ?? 20_261_122) });
