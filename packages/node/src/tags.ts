/** Every domain-separation tag of this package, in one place, so that a test can tell that no two are the same. */
export const tags = {
  network: 'quorate/v1/network',
  roster: 'quorate/v1/network/roster',
  hello: 'quorate/v1/network/hello',
  signRequest: 'quorate/v1/request/sign',
  requestId: 'quorate/v1/request/id',
  keygenProposal: 'quorate/v1/request/keygen',
  refreshJitter: 'quorate/v1/refresh/jitter',
  refreshProposal: 'quorate/v1/request/refresh',
  preparation: 'quorate/v1/request/preparation',
  statement: 'quorate/v1/standing/statement',
  election: 'quorate/v1/coordination/election',
  presignatureChoice: 'quorate/v1/ceremony/presignature-choice',
  inbox: 'quorate/v1/ceremony/inbox',
  admission: 'quorate/v1/ceremony/admission',
  receiveKey: 'quorate/v1/ceremony/receive-key',
  setHedge: 'quorate/v1/stock/hedge',
} as const;
