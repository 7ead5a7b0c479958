import { describe, expect, it } from '@jest/globals';
import { csvRecord, wantsCsv } from './csv.js';

describe('a CSV record', () => {
  it('quotes what RFC 4180 wants quoted, and ends in CRLF', () => {
    expect(csvRecord(['a', 'b,c', 'say "hi"', 'two\nlines', 12, null])).toBe(
      'a,"b,c","say ""hi""","two\nlines",12,\r\n',
    );
  });

  it('holds nothing that a spreadsheet would calculate', () => {
    expect(csvRecord(['=1+1', '+49', '-1', '@SUM(A1)', '\t=1', '=HYPERLINK("x","y")'])).toBe(
      `'=1+1,'+49,'-1,'@SUM(A1),'\t=1,"'=HYPERLINK(""x"",""y"")"\r\n`,
    );
  });

  it('is given to whoever asks for it first', () => {
    expect(wantsCsv('csv', 'application/json')).toBe(true);
    expect(wantsCsv('json', 'text/csv')).toBe(false);
    expect(wantsCsv(undefined, 'text/csv;q=1')).toBe(true);
    expect(wantsCsv(undefined, 'application/json, text/csv')).toBe(false);
    expect(wantsCsv(undefined, undefined)).toBe(false);
  });
});
