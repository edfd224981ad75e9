import {
  type Court,
  concat,
  DerivationError,
  derive,
  dkls23,
  fromBytesBE,
  fromHex,
  frost,
  groupOf,
  type PublicPackage,
  parsePath,
  type Scheme,
  type Start,
  sessionId,
  toBytesBE,
  toHex,
} from '@quorate/protocol';
import { payloadOf } from '../intents/intent.ts';
import type { SignRequest } from '../policy/sign-request.ts';
import { ServiceError, type SignatureForms } from '../service.ts';
import type { Tools } from '../tools.ts';

/** How a key signs one order: what differs between the schemes, and nothing of ceremonies. */
export interface Signing {
  /** What is signed: a message, or for ECDSA a digest. */
  readonly payload: Uint8Array;
  /** As verifiers take it: 32 bytes, or for ECDSA 33 (SEC 1, compressed). */
  readonly publicKey: Uint8Array;
  /** ε of BIP-32; zero for the key itself. */
  readonly tweak: bigint;
  court(start: Start): Pick<Court, 'rounds' | 'rules'>;
  /** Whether these bytes are a signature of the payload, in the one form in which they are recorded. */
  verifies(signature: Uint8Array): boolean;
  /** The forms in which clients take it. */
  forms(signature: Uint8Array): SignatureForms;
}

/** @throws {ServiceError} `invalid` if the key cannot sign this */
export function signingOf(request: SignRequest, publicPackage: PublicPackage, tools: Tools): Signing {
  const signed = payloadOf(publicPackage.scheme, request.intent);
  if ('refusal' in signed) throw new ServiceError('invalid', signed.refusal);
  if (publicPackage.scheme === 'ecdsa') return ecdsa(request.path, signed.payload, publicPackage, tools);
  expectNoPath(publicPackage.scheme, request.path);
  return schnorr(publicPackage.scheme, signed.payload, publicPackage, tools);
}

function schnorr(
  scheme: Exclude<Scheme, 'ecdsa'>,
  payload: Uint8Array,
  publicPackage: PublicPackage,
  { groups }: Tools,
): Signing {
  const suite = frost.suiteOf(scheme, groups);
  const publicKey = frost.outputKey(suite, publicPackage);
  return {
    payload,
    publicKey,
    tweak: 0n,
    court: () => ({ rounds: frost.signRounds(suite), rules: frost.signRules(suite, publicPackage, payload) }),
    verifies: (signature) => frost.verifySignature(suite, publicKey, payload, signature),
    forms: (signature) => ({ signature: toHex(signature) }),
  };
}

function ecdsa(path: string, payload: Uint8Array, publicPackage: PublicPackage, tools: Tools): Signing {
  const group = groupOf('ecdsa', tools.groups);
  const { multiplication } = tools;
  const { key, tweak } = childOf(path, publicPackage, tools);
  return {
    payload,
    publicKey: group.encodePoint(key),
    tweak,
    court: (start) => {
      // What is used was made and judged in a session of its own.
      if (start.presignature.length > 0) return { rounds: dkls23.onlineRounds(group), rules: {} };
      const signers = start.participants.map(({ party }) => party);
      const purpose = { digest: payload, tweak };
      const sid = sessionId(start);
      return {
        rounds: dkls23.ecdsaRounds(group, multiplication),
        rules: dkls23.ecdsaRules({ group, multiplication, publicPackage, signers, sid, purpose }),
      };
    },
    verifies: (signature) => {
      const decoded = decodeSignature(signature);
      if (decoded === undefined || !dkls23.isLow(group, decoded.s)) return false;
      const recovered = dkls23.recoverKey(group, payload, decoded);
      return (
        recovered !== undefined && group.equals(recovered, key) && dkls23.verifyEcdsa(group, key, payload, decoded)
      );
    },
    forms: (signature) => {
      const decoded = decodeSignature(signature) as dkls23.EcdsaSignature;
      return {
        signature: toHex(signature.subarray(0, 64)),
        digest: toHex(payload),
        recovery: decoded.recovery,
        der: toHex(dkls23.encodeDer(decoded)),
      };
    },
  };
}

/** The child key that a path names, and how it differs from the root. @throws {ServiceError} `invalid` */
export function childOf(
  path: string,
  { groupKey, chainCode }: Pick<PublicPackage, 'groupKey' | 'chainCode'>,
  { groups }: Pick<Tools, 'groups'>,
): ReturnType<typeof derive> {
  try {
    return derive(groupOf('ecdsa', groups), groupKey, chainCode, parsePath(path));
  } catch (error) {
    if (error instanceof DerivationError) throw new ServiceError('invalid', `${path}: ${error.message}`);
    throw error;
  }
}

/** For the schemes whose keys have no children. @throws {ServiceError} `invalid` for any path but the key's own */
export function expectNoPath(scheme: Exclude<Scheme, 'ecdsa'>, path: string): void {
  if (path !== 'm') throw new ServiceError('invalid', `keys of scheme ${scheme} have no children: leave out the path`);
}

/** The one form in which a signature is recorded and passed on, from the forms in which clients take it. */
export function recordOf({ signature, recovery }: SignatureForms): Uint8Array {
  const bytes = fromHex(signature);
  return recovery === undefined ? bytes : concat(bytes, Uint8Array.of(recovery));
}

/** r ‖ s ‖ recovery id: what is recorded and passed on, 65 bytes. */
export function encodeSignature({ r, s, recovery }: dkls23.EcdsaSignature): Uint8Array {
  return concat(toBytesBE(r, 32), toBytesBE(s, 32), Uint8Array.of(recovery));
}

function decodeSignature(bytes: Uint8Array): dkls23.EcdsaSignature | undefined {
  const recovery = bytes[64];
  if (bytes.length !== 65 || recovery === undefined || recovery > 3) return undefined;
  return { r: fromBytesBE(bytes.subarray(0, 32)), s: fromBytesBE(bytes.subarray(32, 64)), recovery };
}
