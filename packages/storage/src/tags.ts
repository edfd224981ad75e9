/** Every domain-separation tag of this package, in one place, so that a test can tell that no two are the same. */
export const tags = {
  record: 'quorate/v1/storage/record',
  salt: 'quorate/v1/storage/salt',
  manifest: 'quorate/v1/storage/manifest',
  chain: 'quorate/v1/storage/chain',
  audit: 'quorate/v1/storage/audit',
  auditStart: 'quorate/v1/storage/audit-start',
} as const;
