/** Numbers that bound what this package keeps, each with its reason. */
export const limits = {
  /** A record's plaintext: a public package of 100 parties takes 4 kB, a request body up to 1 MiB. */
  recordBytes: 2_097_152,
  /** Of a new passphrase: random letters of this number are 56 bits, and each guess costs half a second and 64 MiB. */
  passphraseCharacters: 12,
  /** A request's body: what a client may want signed, whole. */
  requestBytes: 1_048_576,
  /** READY of 100 members, each a statement's signature and its envelope. */
  certificateBytes: 262_144,
  publicPackageBytes: 262_144,
  shareBytes: 65_536,
  signatureBytes: 1_024,
  /** A key's name, and a scheme's. */
  nameCharacters: 64,
  /** Attempts at renewing a key whose shares are kept, for any of them may still be certified: what bounds the disk. Who decides about each comes sooner. */
  uncertifiedEpochs: 64,
  /** What is listed of a key's pairs: those of 100 parties in every epoch that a key may have at once. */
  listed: 4_096,
  /** A place: a prefix, an id, an epoch and a party. */
  placeCharacters: 128,
  /** Records of ledgers that are checked at a start, a tenth of a second's; beyond, pages are checked when they are used. */
  ledgerScan: 5_000,
  /** Records of ledgers and of the audit log whose version is looked at before anything is written: twenty milliseconds'. */
  versionScan: 1_000,
  /** Records of a page that are walked by before one is said to be absent: half a millisecond's, and a quarter of a million in all. */
  ledgerWalk: 1_000,
  /** A peer's signed statement of where it stands. */
  statementBytes: 1_024,
  /** Starts of a peer that a doubt names: which of them came back matters, and two are enough for that. */
  instances: 8,
  /** Own starts that a node remembers having spoken in: others hold the latest, and older statements are overtaken. */
  lives: 64,
  /** One audit entry's fields, as JSON. */
  auditFieldBytes: 8_192,
  /** How many of the newest audit entries are verified at each start. */
  auditTail: 256,
} as const;
