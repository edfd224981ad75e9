import { toHex } from '@quorate/protocol';

/** Where the records of keys are. `sealing/places.ts` says what each is for. */
export function keyPlace(keyId: Uint8Array): string {
  return `keys/${toHex(keyId)}`;
}

export function epochPlace(keyId: Uint8Array, epoch: number): string {
  return `epochs/${epochOf(keyId, epoch)}`;
}

export function sharePlace(keyId: Uint8Array, epoch: number): string {
  return `shares/${epochOf(keyId, epoch)}`;
}

export function materialsPlace(keyId: Uint8Array, epoch: number): string {
  return `material/${epochOf(keyId, epoch)}`;
}

export function materialPlace(keyId: Uint8Array, epoch: number, party: number): string {
  return `${materialsPlace(keyId, epoch)}/${party.toString().padStart(5, '0')}`;
}

/** The name of an epoch's second copy. */
export function copyName(keyId: Uint8Array, epoch: number): string {
  return epochOf(keyId, epoch).replace('/', '-');
}

function epochOf(keyId: Uint8Array, epoch: number): string {
  return `${toHex(keyId)}/${epoch.toString().padStart(10, '0')}`;
}
