export type { Ciphersuite } from './ciphersuite.ts';
export { ed25519Suite, secp256k1Suite, suiteOf, taprootSuite, toySuite } from './ciphersuite.ts';
export { outputKey } from './frost.ts';
export { signRounds } from './messages.ts';
export { NonceError } from './nonces.ts';
export { signRules } from './rules.ts';
export { type SignInput, SignInputError, sign } from './sign.ts';
export { verifySignature } from './verify.ts';
export {
  combineZfKeyPackages,
  decodeZfKeyPackage,
  encodeZfPackages,
  ZfError,
  type ZfErrorCode,
  type ZfKeyPackage,
  type ZfPackages,
} from './zf.ts';
