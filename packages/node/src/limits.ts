/** Every number of the node that bounds something, with its reason. Times are milliseconds unless said otherwise. */
export const limits = {
  /** Bytes of one frame. The largest message (a DKG of 100 parties) stays under 100 kB; the rest is room. */
  frameBytes: 1_048_576,
  /** Frames read but not yet handed over, per peer, before reading pauses. */
  queuedFrames: 64,
  /** Bytes queued for a peer that does not read. Two rounds of the largest messages; then it counts as gone. */
  queuedOutgoingBytes: 8_388_608,
  /** Bytes per second that a peer may send on average, twice that at once. A gigabit committee stays far below. */
  peerBytesPerSecond: 16_777_216,
  /** Frames per second that a peer may send on average, four times that at once. A busy signer sends a few hundred. */
  peerFramesPerSecond: 2_000,
  /** From connection to verified hello both ways: three round trips on a bad link, with room. */
  helloDeadline: 10_000,
  /** After a refusal, before hanging up: the other side's greeting and ours must still arrive, to be reported. */
  farewell: 1_000,
  /** Connections at once, in all: twice what the largest network needs, so that old ones may linger. */
  connections: 512,
  /** Connections of one peer at once: the live one, a dead one not yet noticed, a new one. */
  connectionsPerPeer: 3,
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
  /** Announcements per second of one member, on average and at once. */
  announcementsPerSecond: 20,
  announcementsBurst: 200,
  /** Bytes of a config or roster file: a hundred members with comments stay under 100 kB. */
  configFileBytes: 1_048_576,
  /** Bytes of a Unix socket's path: 107 on Linux, 103 on macOS. */
  socketPathBytes: 103,
  /** Between looks at the roster file for changes. */
  rosterPoll: 2_000,
  /** Members of a network: the protocol's n ≤ 100, and reserves. */
  members: 256,
  /** A peer's signed statement of where it stands: with all the bans that it may name, below a kilobyte. */
  statementBytes: 1_024,
  /** Bans in a statement: a committee that works has fewer than half as many bad members. */
  statedBans: 24,
  /** Between two statements of a node while something happens: what a copy of a running disk can hide, and a write at each peer. */
  standingPause: 10_000,
  /** Own starts that are told apart: what the store keeps of them. */
  lives: 64,
  /** Keys that a node which was rolled back asks about: far above what one holds, 160 kB. */
  askedKeys: 4_096,
  /** Starts of a peer that are told apart while it is doubted: two are enough to see one come back. */
  instancesRemembered: 8,
  /** Bytes of a certificate: of a hundred members 15 kB. */
  certificateBytes: 131_072,
  /** How long a node that was rolled back waits for its peers' answers before it counts them. */
  recoveryRound: 5_000,
  /**
   * How long a peer must have heard no other instance of a node before it confirms where the node stands: longer than a
   * connection lives that nobody answers on (`silence`), and than the longest wait before one is made anew.
   */
  instanceLease: 60_000,
  /** Clock difference from a peer above which status warns: requests expire by the clock. */
  clockSkewWarning: 30_000,
  /** Bytes of a passphrase file. */
  passphraseBytes: 4_096,
  /** A signing round among live signers takes milliseconds; a slow link, a second. Then others are asked. */
  signRound: 3_000,
  /** A DKG round of many parties computes for seconds on a small machine. */
  keygenRound: 20_000,
  /** A round of base transfers computes for a second and more per member on a busy machine. */
  pairSetupRound: 45_000,
  /** Between looks whether a key is due for a refresh. Keys take turns, one a look. */
  refreshTick: 30_000,
  /** How long the next member waits for the one whose turn it is to propose. */
  refreshTurn: 120_000,
  /** How long past its time a refresh lets a reshare go first that waits for operators: as long as they may take to accept it. */
  refreshDeference: 3_600_000,
  /** First and longest wait before a refresh that failed is proposed again. */
  refreshRetryFirst: 60_000,
  refreshRetryLongest: 3_600_000,
  /** Between two refreshes of a key at least: a member must not keep the others dealing. */
  refreshPause: 5_000,
  /** How long after an imported key came into use its shares are dealt anew: all members use it by then. */
  importedRefresh: 10_000,
  /** How long a proposal to refresh may be begun. */
  refreshProposal: 60_000,
  /** A key whose renewal was prepared this often and never certified has a member that withholds READY: then operators decide. */
  uncertifiedAttempts: 8,
  /** How often a renewal is proposed anew, each time allowing clocks another `clockTolerance`, before it begins with none again. */
  clockGuesses: 10,
  /** How long whoever lost a share waits for the others' word on which epoch is in use. */
  certificateAnswer: 3_000,
  /** Certificates, or chains of them, that a peer may ask for, per second and at once: tens of kilobytes for a few bytes each. */
  certificatesPerSecond: 1,
  certificatesBurst: 20,
  /** How many epochs back a peer is told of that promises READY for an attempt of long ago. */
  correctedEpochs: 8,
  /** Repairs that a peer may ask for, per second and at once: an operator tries again, and nobody needs one by the minute. */
  repairsPerSecond: 0.02,
  repairsBurst: 5,
  /** How long shares of an old epoch are kept, from when the new one was made, when some members were not heard to use that. */
  retirementGrace: 3_600_000,
  /** Between looks whether a pair of an ECDSA key has nothing set up: an operator who lifted a ban waits for it. */
  pairInterval: 2_000,
  /** How long the higher party leaves it to the lower one to propose a set-up: both may miss the same. */
  pairPatience: 10_000,
  /** First and longest wait before a set-up that failed is proposed again: the other may refuse for as long as it bans us. */
  pairRetryFirst: 5_000,
  pairRetryLongest: 600_000,
  /** How long a proposal to set a pair up may be begun. */
  pairProposal: 120_000,
  /** Sets of base transfers made ahead of one pair and direction: a burst of keygens, and 60 kB of a peer at most. */
  stockDepth: 4,
  /** How long a set is kept: it is a secret in memory that a keygen may never ask for. */
  stockLife: 86_400_000,
  /** Between looks at what is missing; nothing begins before two of them have found no session. */
  stockLook: 1_000,
  /** For the other side to do its half of a set, a third of a second of work, when it has time. */
  stockExchange: 120_000,
  /** First and longest wait before another try that the other side has not answered. */
  stockRetryFirst: 5_000,
  stockRetryLongest: 600_000,
  /**
   * Halves of sets per second that a peer may make this node compute, on average and at once. The deepest shelves twice over,
   * then a keygen every 20 s; a hostile peer costs 2 % of a core.
   */
  stockPerSecond: 0.1,
  stockBurst: 16,
  /** Threads that sign. Each costs 30 MiB, and beyond a few the disk is what signatures wait for. */
  signingThreads: 4,
  /** How long the thread for heavy work has nothing to do before it ends: it takes 40 MiB, and 100 ms to start again. */
  threadRest: 60_000,
  /** A round of a presigning: nobody waits for it, and a machine may be busy with what somebody waits for. */
  presignRound: 10_000,
  /** How long nothing happens before a presignature is made: between two orders of one client, say, none is begun. */
  presignIdle: 250,
  /** How long each member waits for those before it to propose a presigning. */
  presignTurn: 2_000,
  /** How long a proposal of a presigning is valid: whoever can take part does so at once. */
  presignLife: 15_000,
  /** First and longest wait after presignings that failed. */
  presignBackOff: 1_000,
  presignBackOffLongest: 300_000,
  /** How long who refused a presigning, or was silent in it, is not asked again. */
  presignAvoided: 300_000,
  /** Between two presignings, so that they take up a part of a small machine only. */
  presignPause: 100,
  /** Presignings of one peer's that this node begins, per second and at once: as many as the pause allows, and some. */
  presigningsPerSecond: 10,
  presigningsBurst: 20,
  /** Presignings open at once for a key: one, and some that are not over here yet. */
  openPresignings: 4,
  /** Presignatures of all keys together. Each has R known to others beforehand, and half a kilobyte. */
  presignatures: 1_024,
  /** Presignatures kept for a key, unless the configuration says, and at most: each is a nonce known beforehand. */
  presignaturesByDefault: 8,
  presignaturesPerKey: 64,
  /** Requests that others cannot use a presignature for until it is out of step: one is bad luck, when many come at once. */
  presignatureMisses: 2,
  /** How long a presignature waits to be used. A key that signs once an hour still finds some. */
  presignatureAge: 7_200_000,
  /** How long after its last signature a key gets new ones. */
  presignatureDemand: 3_600_000,
  /** A coordinator that says nothing for this long is replaced. */
  coordinatorSilence: 1_500,
  /** How often a coordinator says that it is there: thrice per silence. */
  coordinatorHeartbeat: 500,
  /** A coordinator that is there but begins nothing is not waited for longer: the next one is asked, too. Doubles each time. */
  coordinatorPatience: 5_000,
  /** Sessions that may break under one coordinator before the next one is asked: it may be seating a friend. */
  sessionsPerCoordinator: 3,
  /** How long a coordinator waits for the signers whose turn it is, once enough others are there. */
  turnGrace: 100,
  /** How long it waits for others than those who failed before. Bounds how fast a request can break sessions. */
  complaintGrace: 2_000,
  /** How long a member that was silent in a session is asked last. */
  suspicion: 30_000,
  /** By how much the clocks of honest nodes may differ. */
  clockTolerance: 30_000,
  /** A request may be valid for this long at most: operators may have to accept it. */
  longestRequest: 3_600_000,
  /** Requests that are open at once, per key and in all: a bound on nonces outstanding (ROS) and on memory. */
  openPerKey: 64,
  openInAll: 256,
  /** Keygens of one proposer that are open at once: a member must not use up the room for signatures. */
  openPerProposer: 4,
  /** And those that only wait for READY of all: one member may withhold it for ever, and it need not be who proposed them. */
  withheldPerProposer: 64,
  /** What a peer may propose, per second and at once, each an audit record: a script makes keys as fast as they can be made. */
  proposalsPerSecond: 50,
  proposalsBurst: 500,
  /** Renewals of one key, and set-ups of its pairs, that a peer may propose: one in five minutes. A key is renewed once a day. */
  renewalsPerSecond: 0.003,
  renewalsBurst: 30,
  /** Requests of one peer that this node refuses, per second and at once, each an audit record; then it is not heard. */
  refusalsPerSecond: 5,
  refusalsBurst: 100,
  unheard: 10_000,
  /** Between repetitions of READY while a prepared key waits for its certificate. */
  readyInterval: 3_000,
  /** The highest number of an attempt: far above what happens, far below where numbers end. */
  attempts: 1_000_000,
  /** Entries of the audit log in one answer. */
  auditPage: 1_000,
  /** Ceremonies that are over and still shown. */
  rememberedCeremonies: 500,
  /** Preparations that are over and still known, so that whoever asks late gets no second one. */
  rememberedPreparations: 16,
  /** Frames kept for sessions that this node has not begun yet: per peer, and for how long. */
  earlyFrames: 64,
  earlyBytes: 4_194_304,
  earlyLife: 10_000,
  /** Bytes for all peers together, and what each may keep even when that is used up: a few messages of ECDSA. */
  earlyBytesInAll: 67_108_864,
  earlyShare: 262_144,
  /** Bytes of a request's body on the admin socket: a message of 64 KiB as hexadecimal, and the order around it. */
  bodyBytes: 163_840,
  /** Bytes of a private key that is imported. */
  secretBytes: 32,
  /** How long a private key that was put together waits in memory for whoever asked for it. */
  exportKept: 60_000,
  /** Levels of nesting in a body. An order has two. */
  bodyDepth: 8,
  headerBytes: 8_192,
  /** Characters of one part of a route: a key's name has up to 64, a ceremony's id 64. */
  routePartCharacters: 128,
  /** From the first byte of a request to its last: the other side is on this machine. */
  requestTimeout: 10_000,
  /** Connections to the admin socket, followers among them: an operator and some scripts. */
  adminConnections: 256,
  /** The longest wait for the end of a ceremony in one request. */
  longPoll: 60_000,
  /** Bytes queued for a follower that does not read; then it is cut off. */
  queuedEventBytes: 1_048_576,
  /** How long requests under way may take once the server is closing. */
  closing: 2_000,
} as const;
