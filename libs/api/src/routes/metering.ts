import { z } from 'zod';
import {
  Caps,
  EnterBody,
  LedgerEntry,
  LedgerPage,
  Meter,
  PriceList,
  SetCapsBody,
  SetMeterBody,
  SetPricesBody,
  UsagePage,
} from '../shapes/metering.js';
import type { AccountId, PersonId } from '#model';
import { idempotent, idOf, PageQuery } from '../values.js';
import { usageGroups } from '../words.js';
import { route } from './route.js';

/** As JSON, or as CSV (also by `Accept: text/csv`). */
const Format = z.enum(['json', 'csv']).exactOptional();

/** A day, UTC; a moment only where the day begins with it. */
const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T00:00(:00(\.0+)?)?Z)?$/, 'must be a day such as 2026-01-31')
  .transform((day) => day.slice(0, 10))
  .refine((day) => !Number.isNaN(Date.parse(day)), 'is no day of the calendar');

const groupWords: readonly string[] = usageGroups;
const Groups = z
  .string()
  .transform((words) => words.split(','))
  .refine(
    (words) => words.every((word) => groupWords.includes(word)) && new Set(words).size === words.length,
    `must be some of ${usageGroups.join(', ')}, with commas between them`,
  );

export const meteringRoutes = {
  getPrices: route({
    method: 'GET',
    path: '/v1/prices',
    summary: 'What a part costs, by connector, direction and destination',
    tag: 'metering',
    auth: 'person',
    scope: 'read',
    query: z.strictObject({ format: Format }),
    status: 200,
    answer: PriceList,
    csv: true,
  }),
  setPrices: route({
    method: 'PUT',
    path: '/v1/prices',
    summary:
      'Set all prices at once, in the place of the last; they hold for whatever is accepted from now on',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    body: SetPricesBody,
    largest: 8_388_608,
    status: 200,
    answer: PriceList.omit({ items: true }),
  }),
  getCaps: route({
    method: 'GET',
    path: '/v1/caps',
    summary: 'How much may be sent in a day, and how much was today',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    status: 200,
    answer: Caps,
  }),
  setCaps: route({
    method: 'PUT',
    path: '/v1/caps',
    summary: 'Set all caps at once, in the place of the last',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    body: SetCapsBody,
    status: 200,
    answer: Caps,
  }),
  getMeter: route({
    method: 'GET',
    path: '/v1/meter',
    summary: 'Whether this workspace pays before, and its balance',
    tag: 'metering',
    auth: 'person',
    scope: 'read',
    status: 200,
    answer: Meter,
  }),
  setMeter: route({
    method: 'PUT',
    path: '/v1/meter',
    summary: 'Demand a balance for what costs something, or demand none',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    body: SetMeterBody,
    status: 200,
    answer: Meter,
  }),
  listLedger: route({
    method: 'GET',
    path: '/v1/ledger',
    summary: 'The entries of the ledger, the latest first',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    query: PageQuery,
    status: 200,
    answer: LedgerPage,
  }),
  enterLedger: route({
    method: 'POST',
    path: '/v1/ledger',
    summary: 'Enter a top-up, or an adjustment that sets something right',
    tag: 'metering',
    auth: 'admin',
    scope: 'admin',
    headers: idempotent,
    body: EnterBody,
    status: 201,
    answer: LedgerEntry,
  }),
  getUsage: route({
    method: 'GET',
    path: '/v1/usage',
    summary: 'What was sent and received, summed up: one’s own, for an admin everybody’s',
    tag: 'metering',
    auth: 'person',
    scope: 'read',
    query: z.strictObject({
      /** The first day, and the day before which it ends. */
      from: Day.exactOptional(),
      until: Day.exactOptional(),
      account: idOf<AccountId>().exactOptional(),
      person: idOf<PersonId>().exactOptional(),
      group: Groups.default(['day']),
      format: Format,
      limit: PageQuery.shape.limit,
      next: PageQuery.shape.next,
    }),
    status: 200,
    answer: UsagePage,
    csv: true,
  }),
} as const;
