/** Something that was not as it should be, for the audit log. */
export interface Finding {
  /**
   * - `share-restored`: a record was lost or damaged, and put back from the second copy.
   * - `copy-restored`: the second copy was lost or damaged, or a crash kept it from being made.
   * - `copy-unknown`: there is a copy of an epoch that this node does not have. It is left alone.
   * - `record-unknown`: there is a record of no key: the disk altered where a record belongs.
   * - `manifest-restored`: the manifest's root or a page of it was damaged, and made anew from what proves it.
   * - `pair-quarantined`: what was set up with one party was damaged. It was removed, as if nothing had been set up: the key
   *   signs with others, and the two set up something new.
   * - `key-quarantined`: see `KeyInfo.quarantined`.
   */
  readonly kind:
    | 'share-restored'
    | 'copy-restored'
    | 'copy-unknown'
    | 'record-unknown'
    | 'manifest-restored'
    | 'pair-quarantined'
    | 'key-quarantined';
  /** The place of the record, or the name of the copy. */
  readonly place: string;
  /** Of damage that stays: what it is. */
  readonly reason?: string;
}
