export {
  type BaseOtContext,
  type BaseOtExchange,
  type BaseOtKey,
  type BaseOtSetting,
  chooseBaseOt,
  completeBaseOt,
  offerBaseOt,
  type ReceiverSet,
  type SenderSet,
  wipeReceiverSet,
  wipeSenderSet,
} from './base-ot.ts';
export { type EcdhX, pureEcdh } from './ecdh.ts';
export {
  decodeCompact,
  decodeDer,
  type EcdsaPair,
  type EcdsaSignature,
  encodeCompact,
  encodeDer,
  isLow,
  recoverKey,
  verifyEcdsa,
} from './ecdsa.ts';
export {
  type Engine,
  type ReceiverSeeds,
  type Request,
  type Run,
  readRequest,
  type SenderSeeds,
} from './extension.ts';
export { type Gadget, gadgetOf } from './gadget.ts';
export {
  type AliceMaterial,
  type BobMaterial,
  decodePairMaterial,
  encodePairMaterial,
  type PairMaterial,
  wipePairMaterial,
} from './material.ts';
export { encodedPoints, pairSetupRounds } from './messages.ts';
export {
  type Answer,
  answer,
  finish,
  type Pending,
  type ReceiverSetup,
  readAnswer,
  request,
  type SenderSetup,
} from './multiplication.ts';
export type { PairSetupParameters } from './pair-context.ts';
export { type PairSetupInput, PairSetupInputError, pairSetup, type StockedSets } from './pair-setup.ts';
export { baseOts } from './pprf.ts';
export {
  type MovedPresignature,
  Presignature,
  presign,
  presignatureScope,
  type SignPresignedInput,
  signWithPresignature,
} from './presign.ts';
export { type Multiplication, type Offered, pairMultiplication } from './products.ts';
export { pairSetupRules } from './rules.ts';
export { type SignEcdsaInput, signEcdsa } from './sign.ts';
export {
  EcdsaInputError,
  type PreparationInput,
  type Purpose,
  type SessionParameters,
  type SignerInput,
} from './sign-context.ts';
export { ecdsaRounds, onlineRounds, presignRounds } from './sign-messages.ts';
export { ecdsaRules } from './sign-rules.ts';
export { type Suite, suiteA } from './suite.ts';
