import type { ProtocolName } from './plan.ts';

/** A bug put into the sources on purpose: the simulator must find it. */
export interface Planted {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly why: string;
  /** Where it shows. */
  readonly protocol: ProtocolName;
}

const node = 'packages/node/src';
const ceremonies = `${node}/ceremonies`;
const storage = 'packages/storage/src';
const activation = 'packages/protocol/src/activation';

export const planted: readonly Planted[] = [
  {
    file: `${ceremonies}/activations.ts`,
    find: "        const isOpen = epoch.state === 'prepared' || epoch.state === 'certified' || tells;",
    replace: "        const isOpen = epoch.state === 'certified' || tells;",
    why: 'a prepared epoch is forgotten at a restart',
    protocol: 'keygen',
  },
  {
    file: `${activation}/machine.ts`,
    find: '    if (ready === undefined) return { state, effects };',
    replace: '    if (ready === undefined) continue;',
    why: "an epoch is activated on one's own READY",
    protocol: 'keygen',
  },
  {
    file: `${activation}/machine.ts`,
    find: "    effects.push({ type: 'sendCertificate', certificate: next.certificate, to: ready.party });",
    replace: '',
    why: 'whoever is behind is not handed the certificate',
    protocol: 'mixed',
  },
  {
    file: `${activation}/machine.ts`,
    find: '  if (!repeated && (before.length > 1 || !verifyReady(ready, member, context.signatures))) return unchanged;',
    replace: '  if (!repeated && before.length > 1) return unchanged;',
    why: "READY counts without its member's signature",
    protocol: 'refresh',
  },
  {
    file: `${ceremonies}/activations.ts`,
    find: "    if (info.state === 'prepared' && !this.#machines.has(place) && !this.#found.has(place)) {",
    replace: "    if (info.state === 'prepared' && place === '') {",
    why: 'READY is said while the share is still being written',
    protocol: 'keygen',
  },
  {
    file: `${ceremonies}/activations.ts`,
    find: '      if (!mayShred(retirement, age, limits.retirementGrace)) continue;',
    replace: '',
    why: 'old shares are shredded before the others are known to use the new ones',
    protocol: 'refresh',
  },
  {
    file: `${storage}/sealing/manifest.ts`,
    find: '    const written = this.#store.batch(covered);',
    replace: '    const written = this.#store.batch(covered, { sync: false });',
    why: 'nothing is synced',
    protocol: 'sign',
  },
  {
    file: `${storage}/keys/copies.ts`,
    find: '    if (lost.includes(shareAt)) await records.restore(shareAt, share);',
    replace: '',
    why: 'a damaged share is not put back from its second copy',
    protocol: 'sign',
  },
  {
    file: `${storage}/keys/repository.ts`,
    find: '      // The second copy, before READY may be signed; again if it could not be written the first time.\n      await this.#heal(keyId, epoch);\n',
    replace: '',
    why: 'READY is signed without a second copy',
    protocol: 'keygen',
  },
  {
    file: `${storage}/keys/entry.ts`,
    find: "    current: all.findLast(({ state }) => state === 'certified' || state === 'active'),",
    replace:
      "    current: all.find(({ state }) => state === 'certified' || state === 'active' || state === 'retiring'),",
    why: 'a lower epoch is used as long as its share is there',
    protocol: 'refresh',
  },
  {
    file: `${storage}/ledger/requests.ts`,
    find: '      if (known.result !== undefined) return known.result;',
    replace: '',
    why: 'a request is answered with another signature the second time',
    protocol: 'sign',
  },
  {
    file: `${storage}/ledger/requests.ts`,
    find: '        if (!equal(known.bodyHash, bodyHash))',
    replace: '        if (!equal(known.bodyHash, bodyHash) && known.body.length === 0)',
    why: 'two orders under one idempotency key are both carried out',
    protocol: 'sign',
  },
  {
    file: `${ceremonies}/sign.ts`,
    find: '      requests.recordResult(this.id, signature).catch(untaken),\n',
    replace: '      (void requests.recordResult(this.id, signature), Promise.resolve(signature)),\n',
    why: 'a signature is told before it is on the disk',
    protocol: 'sign',
  },
  {
    file: `${ceremonies}/sign.ts`,
    find: '        requests.register(task.id, digest, request.expires, body).catch(untaken),\n',
    replace:
      '        (void requests.register(task.id, digest, request.expires, body), Promise.resolve({ result: undefined })),\n',
    why: 'a request is approved before it is on the disk',
    protocol: 'sign',
  },
  {
    file: `${ceremonies}/sessions.ts`,
    find: '      spend: async (round, digest) => sessions.spend({ sid, round, digest }, check),',
    replace: '      spend: async () => undefined,',
    why: 'nonces are used before they are spent on the disk',
    protocol: 'sign',
  },
  {
    file: 'packages/protocol/src/frost/nonces.ts',
    find: '  const stream = hedged(randomness, secret, purpose);',
    replace: '  const stream = hedged({ bytes: (length) => new Uint8Array(length) }, secret);',
    why: 'nonces repeat',
    protocol: 'sign',
  },
  {
    file: 'packages/protocol/src/session/session.ts',
    find: '      if (equal(ours.digest, theirs.digest) && equal(ours.signature, theirs.signature)) continue;',
    replace: '      if (theirs.digest.length > 0) continue;',
    why: 'echoes are not compared: who says different things to different members is not noticed',
    protocol: 'refresh',
  },
  {
    file: `${ceremonies}/declines.ts`,
    find: '    if (members.length - entry.declined.size >= need || isUnderWay)',
    replace: '    if (entry.declined.size < 1 || isUnderWay)',
    why: 'one member that declines keeps the others from signing',
    protocol: 'sign',
  },
  {
    file: `${ceremonies}/declines.ts`,
    find: '    this.tell(entry, `${tooMany}${reasons}`);\n',
    replace: '',
    why: 'a proposal that came to nothing is waited for',
    protocol: 'refresh',
  },
  {
    file: `${ceremonies}/ceremony.ts`,
    find: '      return ask({ ...ceremony, stalled: [...ceremony.stalled, state.coordinator] }, live);',
    replace: '      return unchanged(ceremony);',
    why: 'a coordinator that is silent is not replaced',
    protocol: 'sign',
  },
  {
    file: `${ceremonies}/ceremony.ts`,
    find: '  if (broken < limits.sessionsPerCoordinator) return register({ ...after, broken }, live);',
    replace: '  if (broken < limits.sessionsPerCoordinator) return unchanged(ceremony);',
    why: 'a session that broke is not tried again',
    protocol: 'sign',
  },
  {
    file: 'packages/protocol/src/proofs/encryption.ts',
    find: '  const material = hash512(tags.encryptionKey, ascii(group.name), associated(context), ...points);',
    replace: '  const material = hash512(tags.encryptionKey, ascii(group.name));',
    why: 'shares are sealed under one key that every member knows',
    protocol: 'keygen',
  },
  {
    file: `${ceremonies}/sessions.ts`,
    find: '        await this.#recordBlames(entry, blames, session);\n',
    replace: '',
    why: 'the proof that a member cheated is not kept',
    protocol: 'keygen',
  },
  {
    file: `${storage}/keys/copies.ts`,
    find: '    await this.#keyring.annex?.eraseCopy(copyName(keyId, epoch));\n',
    replace: '',
    why: 'second copies of destroyed shares stay for ever',
    protocol: 'refresh',
  },
  {
    file: `${node}/standing/recovery.ts`,
    find: '    if (statement !== undefined && !this.#knows(statement)) this.#enter(peer, statement, bytes);\n',
    replace: '',
    why: 'a node does not see by its own signature that it was put back',
    protocol: 'restore',
  },
  {
    file: `${node}/standing/standings.ts`,
    find: "    if (reason !== undefined) throw new ServiceError('suspended', reason);\n",
    replace: '',
    why: 'a node takes part before others confirmed where it stands',
    protocol: 'restore',
  },
  {
    file: `${ceremonies}/admission.ts`,
    find: '    this.#workshop.standings.expectWell();\n    const existing',
    replace: '    const existing',
    why: 'an order that is being written down is taken though the node was shown meanwhile that it was put back',
    protocol: 'restore',
  },
  {
    file: `${ceremonies}/prepared.ts`,
    find: '{ key: name, epoch, request: toHex(id) });',
    replace: '{ key: name, epoch, request: toHex(epoch === 1 ? output.share : id) });',
    why: 'a share of the first epoch is written down in the audit log',
    protocol: 'refresh',
  },
];
