export { readClientKey } from './cli/client-key.ts';
export { watch } from './cli/progress.ts';
export { networkIdOf } from './config/config.ts';
export { systemRandomness } from './entropy.ts';
export { connectNode, type NodeClient } from './http/client.ts';
export { orderOf } from './http/schemas.ts';
export { signRequests } from './policy/sign-request.ts';
export type { CeremonyView, KeyView, SignatureForms } from './service.ts';
