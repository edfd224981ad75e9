export * from './adversary.ts';
export * from './coin-toss.ts';
export * from './committee.ts';
export * from './honest.ts';
export * from './seeds.ts';
