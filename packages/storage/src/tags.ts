/** Every domain-separation tag of this package, in one place, so that a test can tell that no two are the same. */
export const tags = {
  record: 'quorate/v1/storage/record',
  salt: 'quorate/v1/storage/salt',
  audit: 'quorate/v1/storage/audit',
  auditStart: 'quorate/v1/storage/audit-start',
} as const;
