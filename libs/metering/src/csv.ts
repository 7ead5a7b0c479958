/*
 * CSV by RFC 4180: CRLF behind each record, quotes around what holds a comma, a quote or a line break, quotes doubled.
 */

/** What a spreadsheet would take for a formula: names and labels are other people's words. */
const formula = /^[=+\-@\t\r]/;

/** One record. A cell that a spreadsheet would calculate gets an apostrophe before it. */
export function csvRecord(cells: readonly (string | number | null | undefined)[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}

function cellOf(cell: string | number | null | undefined): string {
  const text = String(cell ?? '');
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Whether a client would rather have CSV: it says so in the query, or asks for nothing but `text/csv` or that before JSON. */
export function wantsCsv(format: 'json' | 'csv' | undefined, accept: string | undefined): boolean {
  if (format !== undefined) return format === 'csv';
  const [first = ''] = (accept ?? '').split(',');
  return /^\s*text\/csv\s*(;|$)/i.test(first);
}

/** The header fields of a CSV answer. */
export function csvHeaders(name: string): Readonly<Record<string, string>> {
  return {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="${name}.csv"`,
  };
}
