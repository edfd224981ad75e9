/** Every number of the node that bounds something, with its reason. Times are milliseconds unless said otherwise. */
export const limits = {
  /** Bytes of one frame. The largest message (a DKG of 100 parties) stays under 100 kB; the rest is room. */
  frameBytes: 1_048_576,
  /** Frames read but not yet handed over, per peer, before reading pauses. */
  queuedFrames: 64,
  /** Bytes queued for a peer that does not read. Two rounds of the largest messages; then it counts as gone. */
  queuedOutgoingBytes: 8_388_608,
  /** Bytes per second that a peer may send on average, and at once. A gigabit committee peaks far below. */
  peerBytesPerSecond: 16_777_216,
  peerBytesBurst: 33_554_432,
  /** Frames per second that a peer may send on average, and at once. A busy signer sends a few hundred. */
  peerFramesPerSecond: 2_000,
  peerFramesBurst: 8_000,
  /** From connection to verified hello both ways: three round trips on a bad link, with room. */
  helloDeadline: 10_000,
  /** Between pings that measure round trip and clock skew. Small, and quick enough to notice a dead peer. */
  pingInterval: 10_000,
  /** Without a frame for this long a peer counts as gone. Four missed pings: a stop of 30 s is survived. */
  silence: 45_000,
  /** First and longest wait before dialling again. */
  redialFirst: 500,
  redialLongest: 30_000,
  /** One dial, all addresses. */
  dialTimeout: 10_000,
  /** Inbound connections per second and IP: a committee behind one address must get in at once. */
  inboundPerSecond: 50,
  /** Between presence announcements: fresh enough for an operator, nothing decides on it. */
  presenceInterval: 5_000,
  /** Bytes of one announcement. They carry ids, not bodies. */
  announcementBytes: 4_096,
  /** Bytes of a config or roster file: a hundred members with comments stay under 100 kB. */
  configFileBytes: 1_048_576,
  /** Bytes of a Unix socket's path: 107 on Linux, 103 on macOS. */
  socketPathBytes: 103,
  /** Between looks at the roster file for changes. */
  rosterPoll: 2_000,
  /** Members of a network: the protocol's n ≤ 100, and reserves. */
  members: 256,
  /** Clock difference from a peer above which status warns: requests expire by the clock. */
  clockSkewWarning: 30_000,
} as const;
