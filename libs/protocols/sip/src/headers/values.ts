/*
 * Values with parameters behind them, and those that are a time.
 */
import { formatParams, parseNumber, parseParams, type Params } from '../grammar.js';

/** A Content-Type, or one range of an Accept. */
export interface MediaType {
  /** In small letters: `text/plain`. */
  readonly type: string;
  readonly params: Params;
}

const media = /^[ \t]*([-.!%*_+`'~0-9A-Za-z]+)[ \t]*\/[ \t]*([-.!%*_+`'~0-9A-Za-z]+)/;

export function parseMediaType(value: string): MediaType | undefined {
  const match = media.exec(value);
  if (match === null) return undefined;
  const params = parseParams(value, match[0].length);
  return params === undefined
    ? undefined
    : { type: `${match[1] ?? ''}/${match[2] ?? ''}`.toLowerCase(), params };
}

export function formatMediaType({ type, params }: MediaType): string {
  return `${type}${formatParams(params)}`;
}

/** A word with parameters: Event, Subscription-State, Content-Disposition, Reason, and many more. */
export interface Parameterised {
  /** As written. */
  readonly value: string;
  readonly params: Params;
}

export function parseParameterised(value: string): Parameterised | undefined {
  const match = /^[ \t]*([^\s;,"<>]+)/.exec(value);
  if (match === null) return undefined;
  const params = parseParams(value, match[0].length);
  return params === undefined ? undefined : { value: match[1] ?? '', params };
}

export function formatParameterised({ value, params }: Parameterised): string {
  return `${value}${formatParams(params)}`;
}

/** The seconds of a Retry-After, its comment and parameters passed over (RFC 3261 §20.33). */
export function parseRetryAfter(value: string | undefined): number | undefined {
  return parseNumber(/^[ \t]*([0-9]+)[ \t]*(?:[(;].*)?$/s.exec(value ?? '')?.[1]);
}

const date =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/** A Date: RFC 1123, and no zone but GMT (RFC 3261 §20.17). */
export function parseDate(value: string): Date | undefined {
  const read = date.test(value) ? new Date(value) : undefined;
  return read === undefined || Number.isNaN(read.getTime()) ? undefined : read;
}

export function formatDate(date: Date): string {
  return date.toUTCString();
}
