import type { Case } from './plan.ts';

/** A run that violated an invariant once, and what was wrong. */
export interface Regression {
  readonly was: string;
  readonly run: Case;
}

const toy = { isReal: false, without: [], mute: [] } as const;

export const regressions: readonly Regression[] = [
  {
    was: 'READY was said while the second copy was still being written, when the READY of a faster member came in',
    run: { ...toy, protocol: 'keygen', seed: 9 },
  },
  {
    was: 'members kept proposals of refreshes that others had declined, and declined each other for ever',
    run: { ...toy, protocol: 'refresh', seed: 62 },
  },
  {
    was: 'a refusal that overtook the look at a proposal was lost, and the dead proposal refused the next ones',
    run: { ...toy, protocol: 'refresh', seed: 40 },
  },
  {
    was: 'a key made while the clock was ahead was refreshed a moment ago until the clock came there',
    run: { ...toy, protocol: 'refresh', seed: 5002 },
  },
  {
    was: 'who left a committee said READY for an attempt whose share it had destroyed',
    run: { ...toy, protocol: 'reshare', seed: 7025 },
  },
  {
    was: 'READY was said for an attempt that was overtaken while its share was being destroyed',
    run: { ...toy, protocol: 'reshare', seed: 817 },
  },
  {
    was: 'an order that was taken while the clock was behind did not end when the clock was put right',
    run: { ...toy, protocol: 'sign', seed: 793 },
  },
  {
    was: 'members that had prepared a refresh had it begun again by one at whom it had failed, which refused all others meanwhile',
    run: { ...toy, protocol: 'reshare', seed: 226 },
  },
  {
    was: 'who had lost its share, too, was asked to help again and again',
    run: { ...toy, protocol: 'repair', seed: 526 },
  },
  {
    was: 'a helper with whom the others would not sit was asked again and again, and others were suspected for it',
    run: { ...toy, protocol: 'repair', seed: 602 },
  },
  {
    was: 'a damaged answer to an order stopped the node whenever that order came again',
    run: { ...toy, protocol: 'repair', seed: 907 },
  },
  {
    was: 'who had prepared an attempt was left behind by another one under its number, whose proposer had forgotten the first',
    run: { ...toy, protocol: 'mixed', seed: 20046 },
  },
  {
    was: 'who joined gave up an attempt under the number of what is renewed, and went on saying READY for it',
    run: { ...toy, protocol: 'reshare', seed: 140 },
  },
  {
    was: 'an order that was still being written down when the node learnt that it was put back was taken all the same',
    run: { ...toy, protocol: 'restore', seed: 415 },
  },
  {
    was: 'the same of a copy that was suspended: it registered',
    run: { ...toy, protocol: 'restore', seed: 341 },
  },
  {
    was: 'READY was said again for an attempt whose share was destroyed when its member joined what follows another one of its number',
    run: { ...toy, protocol: 'reshare', seed: 1049 },
  },
  {
    was: 'a share was destroyed for the members of one epoch, while a newer one was being certified; the checker asked those of the newer one',
    run: { ...toy, protocol: 'reshare', seed: 1252 },
  },
  {
    was: 'who only joined in an attempt whose number another one has was told nothing, and kept a share of it for ever',
    run: { ...toy, protocol: 'reshare', seed: 9033 },
  },
  {
    was: 'the same of one who had given the attempt up for a proposal that came to nothing either',
    run: { ...toy, protocol: 'reshare', seed: 2230 },
  },
  {
    was: 'orders that waited for a set-up went on saying that the two sit apart when it was done',
    run: { ...toy, protocol: 'repair', seed: 3610 },
  },
  {
    was: 'the copy of a retired share, whose record was damaged, outlived the repair of its key',
    run: { ...toy, protocol: 'repair', seed: 4880 },
  },
  {
    was: 'the copy of a share that was being destroyed when power went stayed while another record of the key was damaged',
    run: { ...toy, protocol: 'reshare', seed: 5061 },
  },
  {
    was: 'a cheat that was found while a session was being left was told to the others, and written down by nobody',
    run: { ...toy, protocol: 'mixed', seed: 10210 },
  },
  {
    was: 'who was suspended went on with a presigning, of which nobody is told',
    run: { ...toy, protocol: 'restore', seed: 93136, scheme: 'ecdsa' },
  },
  {
    was: 'who was suspended said that it takes part in nothing, saw thereby that a peer was gone, and asked others',
    run: { ...toy, protocol: 'restore', seed: 93124 },
  },
  {
    was: 'a run was judged while the proof of a cheat was on its way to the disk',
    run: { ...toy, protocol: 'sign', seed: 50042 },
  },
  {
    was: 'only who had proposed a number was told that it is taken: each of many had to fail by itself',
    run: { ...toy, protocol: 'reshare', seed: 54042 },
  },
  {
    was: 'who lost the record of what it had said READY for said READY, after a repair, for another outcome under that number',
    run: { ...toy, protocol: 'repair', seed: 62767 },
  },
];
