import type { OutboundEnvelope } from '#connector';
import { newId, type AccountId } from '#model';

/** A text to somebody, as the house hands it to a session at its first attempt. */
export function directText(account: AccountId, to: string, text: string): OutboundEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account,
    kind: 'message',
    to,
    conversationKind: 'direct',
    content: { text },
    attempt: 1,
  };
}
