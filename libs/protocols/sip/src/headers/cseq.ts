import { parseNumber } from '../grammar.js';

/** A request's number and method (RFC 3261 §20.16). */
export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** Reads a CSeq; one of 2^31 or more is none (§8.1.1.5). */
export function parseCSeq(value: string): CSeq | undefined {
  const [, digits, method] = /^[ \t]*([0-9]+)[ \t]+([-.!%*_+`'~0-9A-Za-z]+)[ \t]*$/.exec(value) ?? [];
  const number = parseNumber(digits, 0x7fff_ffff);
  return number === undefined || method === undefined ? undefined : { number, method };
}

export function formatCSeq({ number, method }: CSeq): string {
  return `${String(number)} ${method}`;
}
