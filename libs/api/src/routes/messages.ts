import type { AccountId, ConversationId, EnvelopeId, MessageId } from '#model';
import { z } from 'zod';
import { Job } from '../shapes/events.js';
import {
  EditMessageBody,
  Envelope,
  Message,
  RefuseEnvelopeBody,
  SendMessageBody,
  SendMessagesAnswer,
  SendMessagesBody,
} from '../shapes/messages.js';
import { idOf, PageQuery, pageOf, text, TimeIn } from '../values.js';
import { route } from './route.js';

const messageParams = z.strictObject({ id: idOf<MessageId>() });
const reactionParams = z.strictObject({ id: idOf<MessageId>(), emoji: text(1, 64) });
const envelopeParams = z.strictObject({ id: idOf<EnvelopeId>() });

/** The same key with the same body is the same send, for seven days. */
const idempotent = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
    .exactOptional(),
});

export const messageRoutes = {
  sendMessage: route({
    method: 'POST',
    path: '/v1/conversations/:id/messages',
    summary: 'Send a message to a conversation; when this answers, it is stored and will go out in order',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: z.strictObject({ id: idOf<ConversationId>() }),
    headers: idempotent,
    body: SendMessageBody,
    status: 201,
    answer: Message,
  }),
  sendMessages: route({
    method: 'POST',
    path: '/v1/messages',
    summary: 'Send one message to many recipients; above a hundred it goes on as a job',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    headers: idempotent,
    body: SendMessagesBody,
    status: 201,
    answer: SendMessagesAnswer,
    others: { 202: Job },
  }),
  getMessage: route({
    method: 'GET',
    path: '/v1/messages/:id',
    summary: 'One message',
    tag: 'messages',
    auth: 'person',
    scope: 'read',
    params: messageParams,
    status: 200,
    answer: Message,
  }),
  editMessage: route({
    method: 'PATCH',
    path: '/v1/messages/:id',
    summary: 'Correct a message of ours, on the network too, or by the declared fallback',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: messageParams,
    body: EditMessageBody,
    status: 200,
    answer: Message,
  }),
  deleteMessage: route({
    method: 'DELETE',
    path: '/v1/messages/:id',
    summary:
      'Retract a message on its network, or say that this cannot be done; scope=me hides it for myself',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: messageParams,
    query: z.strictObject({ scope: z.enum(['everyone', 'me']).default('everyone') }),
    status: 200,
    answer: Message,
  }),
  react: route({
    method: 'PUT',
    path: '/v1/messages/:id/reactions/:emoji',
    summary: 'React to a message',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: reactionParams,
    status: 200,
    answer: Message,
  }),
  unreact: route({
    method: 'DELETE',
    path: '/v1/messages/:id/reactions/:emoji',
    summary: 'Take a reaction back',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: reactionParams,
    status: 200,
    answer: Message,
  }),
  listEnvelopes: route({
    method: 'GET',
    path: '/v1/messages/:id/envelopes',
    summary: 'What became of a message on its way out, act by act',
    tag: 'messages',
    auth: 'person',
    scope: 'read',
    params: messageParams,
    status: 200,
    answer: pageOf(Envelope),
  }),
  cancelEnvelope: route({
    method: 'POST',
    path: '/v1/envelopes/:id/cancel',
    summary: 'Withdraw what still waits',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: envelopeParams,
    status: 200,
    answer: Envelope,
  }),
  resendEnvelope: route({
    method: 'POST',
    path: '/v1/envelopes/:id/resend',
    summary: 'Send again what failed or is unknown, as a new envelope at the tail: the answer is the new one',
    tag: 'messages',
    auth: 'person',
    scope: 'send',
    params: envelopeParams,
    status: 201,
    answer: Envelope,
  }),
  releaseEnvelope: route({
    method: 'POST',
    path: '/v1/envelopes/:id/release',
    summary: 'Let go what the gate holds',
    tag: 'messages',
    auth: 'admin',
    scope: 'send',
    params: envelopeParams,
    status: 200,
    answer: Envelope,
  }),
  refuseEnvelope: route({
    method: 'POST',
    path: '/v1/envelopes/:id/refuse',
    summary: 'Refuse what the gate holds, with a reason for the person',
    tag: 'messages',
    auth: 'admin',
    scope: 'send',
    params: envelopeParams,
    body: RefuseEnvelopeBody,
    status: 200,
    answer: Envelope,
  }),
  search: route({
    method: 'GET',
    path: '/v1/search',
    summary: 'Find messages by their words, the latest first',
    tag: 'messages',
    auth: 'person',
    scope: 'read',
    query: PageQuery.extend({
      q: text(1, 256),
      in: idOf<ConversationId>().exactOptional(),
      /** An identity's id, or an address. */
      from: text(1, 1_024).exactOptional(),
      account: idOf<AccountId>().exactOptional(),
      before: TimeIn.exactOptional(),
      after: TimeIn.exactOptional(),
    }),
    status: 200,
    answer: pageOf(Message),
  }),
} as const;
