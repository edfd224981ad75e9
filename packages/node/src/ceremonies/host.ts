import { Abort, type Inbox, InputError, type Protocol, type Round } from '@quorate/protocol';

/** Where a protocol computes: here, or in a worker thread. Only bytes go in and out, so the runner cannot tell. */
export interface Host<T> {
  /** Runs the protocol to its next round, or to its end. The first call brings nothing. Rejects with {@link ThreadDied}, with an `InputError`, or on a bug. */
  next(inbox: Inbox | undefined): Promise<Progress<T>>;
  /** Ends the protocol wherever it stands, so that it wipes what it holds. Harmless when repeated. */
  close(): void;
}

/**
 * The thread that computed a protocol ended, and the protocol with it: it ran out of memory, most likely. It is this node's own
 * trouble, no other's, and no bug of the protocol. What it died of is its `cause`.
 */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied';

  constructor(options?: ErrorOptions) {
    super(
      'the thread of this node that computed it ended, most likely for want of memory: give the node more',
      options,
    );
  }
}

/** Whether a session ends of it, and the node goes on: of whatever else is thrown it stops. */
export function endsItsSession(error: unknown): error is ThreadDied | InputError {
  return error instanceof ThreadDied || error instanceof InputError;
}

export type Progress<T> =
  | { readonly type: 'round'; readonly round: Round }
  | { readonly type: 'result'; readonly result: T }
  | { readonly type: 'abort'; readonly abort: Abort };

/** Runs a protocol on the calling thread: for work of a few milliseconds. */
export function inlineHost<T>(protocol: Protocol<T>): Host<T> {
  return {
    next: async (inbox) => advance(protocol, inbox),
    close: () => void protocol.return(undefined as T),
  };
}

/** One step of a protocol. Whatever is thrown that is not an abort stays thrown: an `InputError`, or a bug. */
export function advance<T>(protocol: Protocol<T>, inbox: Inbox | undefined): Progress<T> {
  try {
    const step = inbox === undefined ? protocol.next() : protocol.next(inbox);
    return step.done === true ? { type: 'result', result: step.value } : { type: 'round', round: step.value };
  } catch (error) {
    if (error instanceof Abort) return { type: 'abort', abort: error };
    throw error;
  }
}
