export { type ExportInput, exportKey } from './export.ts';
export { type ExportParameters, exportCourt } from './export-rules.ts';
export { type LifeInput, lifeRounds, lifeRules, lifeSession, proveLife } from './life.ts';
export { renewalRounds } from './messages.ts';
export {
  type Dealer,
  type RenewalInput,
  RenewalInputError,
  type RenewalInputErrorCode,
  type RenewalOutcome,
  type RenewalParameters,
  type RenewalSession,
  type RenewalStatement,
  type Seat,
} from './parameters.ts';
export { checkReshare, type Import, importKey, type Refresh, type Reshare, refresh, reshare, seatsOf } from './plan.ts';
export { renew } from './protocol.ts';
export { repair } from './repair.ts';
export { repairRounds } from './repair-messages.ts';
export { type RepairInput, type RepairParameters, repairParties } from './repair-parameters.ts';
export { repairCourt } from './repair-rules.ts';
export { renewalCourt } from './rules.ts';
