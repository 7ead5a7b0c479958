import type { AccountId, CallId } from '#model';
import { z } from 'zod';
import { Call, PlaceCallBody } from '../shapes/calls.js';
import { CallStateWord } from '../words.js';
import { idempotent, idOf, PageQuery, pageOf } from '../values.js';
import { route } from './route.js';

const params = z.strictObject({ id: idOf<CallId>() });

export const callRoutes = {
  placeCall: route({
    method: 'POST',
    path: '/v1/calls',
    summary:
      'Connect two phones: mine rings first, then theirs. What becomes of it is told as `call.changed`',
    tag: 'calls',
    auth: 'person',
    scope: 'send',
    headers: idempotent,
    body: PlaceCallBody,
    status: 201,
    answer: Call,
  }),
  listCalls: route({
    method: 'GET',
    path: '/v1/calls',
    summary: 'The calls of my accounts, the latest first: all of them, or those that were missed, that ring',
    tag: 'calls',
    auth: 'person',
    scope: 'read',
    query: PageQuery.extend({
      account: idOf<AccountId>().exactOptional(),
      state: CallStateWord.exactOptional(),
    }),
    status: 200,
    answer: pageOf(Call),
  }),
  getCall: route({
    method: 'GET',
    path: '/v1/calls/:id',
    summary: 'One call',
    tag: 'calls',
    auth: 'person',
    scope: 'read',
    params,
    status: 200,
    answer: Call,
  }),
  endCall: route({
    method: 'DELETE',
    path: '/v1/calls/:id',
    summary: 'Hang up, or decline a call that rings; one that is over stays as it ended',
    tag: 'calls',
    auth: 'person',
    scope: 'send',
    params,
    status: 200,
    answer: Call,
  }),
} as const;
