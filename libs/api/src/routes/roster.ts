import type { AccountId } from '#model';
import { z } from 'zod';
import { RequestAnswer, RequestBody } from '../shapes/conversations.js';
import { RosterEntry, SetRosterEntryBody } from '../shapes/roster.js';
import { AddressText, idOf, PageQuery, pageOf } from '../values.js';
import { route } from './route.js';

const account = z.strictObject({ id: idOf<AccountId>() });
const entry = account.extend({ address: AddressText });

/** What one network's own roster says, and what a whole account can be asked at once. */
export const rosterRoutes = {
  listRoster: route({
    method: 'GET',
    path: '/v1/accounts/:id/roster',
    summary: 'Who is on the roster of one account, in the order of their addresses, with their presence',
    tag: 'roster',
    auth: 'person',
    scope: 'read',
    params: account,
    query: PageQuery,
    status: 200,
    answer: pageOf(RosterEntry),
  }),
  getRosterEntry: route({
    method: 'GET',
    path: '/v1/accounts/:id/roster/:address',
    summary: 'One entry of the roster of one account',
    tag: 'roster',
    auth: 'person',
    scope: 'read',
    params: entry,
    status: 200,
    answer: RosterEntry,
  }),
  setRosterEntry: route({
    method: 'PUT',
    path: '/v1/accounts/:id/roster/:address',
    summary: 'Put somebody on the roster of one account, or change their name and groups there',
    tag: 'roster',
    auth: 'person',
    scope: 'send',
    params: entry,
    body: SetRosterEntryBody,
    status: 200,
    answer: RosterEntry,
    others: { 201: RosterEntry },
  }),
  removeRosterEntry: route({
    method: 'DELETE',
    path: '/v1/accounts/:id/roster/:address',
    summary: 'Take somebody off the roster of one account',
    tag: 'roster',
    auth: 'person',
    scope: 'send',
    params: entry,
    status: 204,
  }),
  approveRosterEntry: route({
    method: 'POST',
    path: '/v1/accounts/:id/roster/:address/approve',
    summary: 'Let somebody see the presence of one account: whoever asks, or is let before they ask',
    tag: 'roster',
    auth: 'person',
    scope: 'send',
    params: entry,
    status: 200,
    answer: RosterEntry,
  }),
  denyRosterEntry: route({
    method: 'POST',
    path: '/v1/accounts/:id/roster/:address/deny',
    summary: 'Let somebody see the presence of one account no longer, or not at all',
    tag: 'roster',
    auth: 'person',
    scope: 'send',
    params: entry,
    status: 200,
    answer: RosterEntry,
  }),
  requestAccount: route({
    method: 'POST',
    path: '/v1/accounts/:id/requests',
    summary: 'Ask the live session of one account something, or have it act at once: list rooms, whois',
    tag: 'roster',
    auth: 'person',
    scope: 'send',
    params: account,
    body: RequestBody,
    status: 200,
    answer: RequestAnswer,
  }),
} as const;
