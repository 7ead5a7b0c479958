import type { RemoteId } from '#connector';

/** The id of a message of ours: what receipts name it by, and what was chosen by us. */
export function chosenId(wireId: string): RemoteId {
  return { scope: 'sip', id: wireId, by: 'sender' };
}
