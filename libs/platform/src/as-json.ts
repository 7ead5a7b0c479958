import { cleanText } from '#model';

/**
 * A JSON parameter for `json_to_recordset`: big integers as text, and no character that PostgreSQL refuses in text
 * (NUL, lone surrogates), whoever the strings came from.
 */
export function asJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'string') return cleanText(part);
    return typeof part === 'bigint' ? String(part) : part;
  });
}
