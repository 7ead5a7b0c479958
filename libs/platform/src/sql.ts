import type pg from 'pg';
import { types } from 'pg';

export interface QueryOptions {
  /**
   * Plans the statement once per connection and keeps the plan: halves the cost of a small hot statement. Only for a
   * constant text that finds its rows by keys or appends: the plan is made without looking at the parameters, and stays
   * as it is while tables grow.
   */
  readonly keepPlan?: boolean;
}

/** Something that takes SQL: the database, or one transaction of it. */
export interface Sql {
  /**
   * Runs one statement and gives its rows. int8 comes back as bigint, timestamptz as Date, json and jsonb parsed,
   * bytea as Buffer, numeric as text. Parameters the other way: a JavaScript array becomes a PostgreSQL array, so hand
   * jsonb over as text (`JSON.stringify`).
   */
  query<Row extends object>(
    text: string,
    params?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]>;
}

/** Column types by number (`pg_type.oid`), of those that node-postgres would hand out as text. */
const int8 = 20;
const int8Array = 1016;
const textArray = 1009;

type ReadText = (text: string) => unknown;
/** node-postgres types the numbers as an enum that lacks the arrays. */
const reader = types.getTypeParser as (type: number, format?: string) => ReadText;

const toBigInt: ReadText = (text) => BigInt(text);
const toTexts = reader(textArray, 'text') as (text: string) => (string | null)[];
const toBigInts: ReadText = (text) => toTexts(text).map((each) => (each === null ? null : BigInt(each)));

/** Readers of column values: as node-postgres has them, but an int8 is never rounded and never text. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (type: number, format?: string) => {
    if (format !== 'binary' && type === int8) return toBigInt;
    if (format !== 'binary' && type === int8Array) return toBigInts;
    return reader(type, format);
  },
};
