import { describe, expect, it } from '@jest/globals';
import { Frontend, ProtocolViolation, readOpening, type Batch } from './frontend.js';
import { concat, decode, encode, message, query, sync, writeInt32 } from './wire.js';

const noParameters = new Uint8Array(2);
const noFormats = new Uint8Array(6);
const parse = (name: string, sql: string): Uint8Array => message('P', name, sql, noParameters);
const bind = (name: string): Uint8Array => message('B', '', name, noFormats);
const execute = message('E', '', 0);

/** What a batch would tell the engine: type and text of each message. */
function words(batch: Batch | undefined): string[] {
  return (batch?.messages ?? []).map((bytes) =>
    `${decode(bytes.subarray(0, 1))} ${decode(bytes.subarray(5)).replaceAll('\0', ' ')}`.trimEnd(),
  );
}

describe('a frontend', () => {
  it('cuts the same batches wherever the bytes are cut', () => {
    const bytes = concat([
      query('SELECT 1'),
      parse('a', 'SELECT 2'),
      bind('a'),
      execute,
      sync,
      message('H'),
      message('X'),
    ]);
    const whole = new Frontend('p.').push(bytes);
    expect(whole.map(({ kind }) => kind)).toEqual(['query', 'sync', 'flush', 'terminate']);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const frontend = new Frontend('p.');
      expect([...frontend.push(bytes.slice(0, cut)), ...frontend.push(bytes.slice(cut))]).toEqual(whole);
    }
  });

  it('gives named statements names of its own, and leaves the unnamed one', () => {
    const frontend = new Frontend('p.');
    const [named] = frontend.push(
      concat([
        parse('a', 'SELECT 1'),
        bind('a'),
        message('D', encode('S'), 'a'),
        message('C', encode('S'), 'a'),
        sync,
      ]),
    );
    expect(words(named)).toEqual(['P p.a SELECT 1', 'B  p.a', 'D Sp.a', 'C Sp.a', 'S']);
    expect(named?.closes).toEqual(['p.a']);
    const [unnamed] = frontend.push(
      concat([parse('', 'SELECT 1'), bind(''), message('D', encode('P'), ''), sync]),
    );
    expect(words(unnamed)).toEqual(['P  SELECT 1', 'B', 'D P', 'S']);
    expect(unnamed).toMatchObject({ parsesUnnamed: true, reusesUnnamed: false });
    expect(frontend.push(concat([bind(''), sync]))[0]).toMatchObject({ reusesUnnamed: true });
  });

  it('remembers what a statement does for when it runs', () => {
    const frontend = new Frontend('p.');
    expect(frontend.push(concat([parse('l', 'LISTEN a'), sync]))[0]?.traits).toEqual([]);
    const [run] = frontend.push(concat([bind('l'), execute, sync]));
    expect(run?.traits).toMatchObject([{ listens: [{ channel: 'a', on: true }] }]);
    expect(frontend.statementNames).toEqual(['p.l']);
    frontend.forgetStatements(['p.l']);
    expect(frontend.push(concat([bind('l'), execute, sync]))[0]?.traits).toEqual([]);
  });

  it('puts a refusal behind whatever may want to read a COPY', () => {
    const frontend = new Frontend('p.');
    expect(words(frontend.push(query('COPY t FROM STDIN'))[0])).toEqual([
      'Q COPY t FROM STDIN',
      expect.stringMatching(/^f .*COPY FROM STDIN/),
    ]);
    const [run] = frontend.push(concat([parse('', 'COPY t FROM STDIN'), bind(''), execute, sync]));
    expect(words(run).map((line) => line.charAt(0))).toEqual(['P', 'B', 'E', 'f', 'S']);
    expect(frontend.push(concat([message('d', encode('1\n')), message('c')]))).toEqual([]);
  });

  it('refuses what no client says', () => {
    const negative = message('Q', 'x');
    writeInt32(negative, 1, -1);
    for (const bytes of [message('?'), negative, Uint8Array.of(0x51, 0x7f, 0xff, 0xff, 0xff)])
      expect(() => new Frontend('p.').push(bytes)).toThrow(ProtocolViolation);
  });
});

describe('an opening message', () => {
  const opening = (code: number, body: Uint8Array): Uint8Array => message('?', code, body).subarray(1);

  it('is waited for until it is whole', () => {
    const bytes = opening(196_608, encode('user\0alice\0options\0-c a=b\0\0'));
    for (let cut = 0; cut < bytes.length; cut++) expect(readOpening(bytes.subarray(0, cut))).toBeUndefined();
    expect(readOpening(concat([bytes, Uint8Array.of(7)]))).toEqual({
      opening: {
        kind: 'startup',
        parameters: new Map([
          ['user', 'alice'],
          ['options', '-c a=b'],
        ]),
      },
      rest: Uint8Array.of(7),
    });
  });

  it('may ask for encryption, or to cancel', () => {
    expect(readOpening(opening(80877103, new Uint8Array(0)))?.opening).toEqual({ kind: 'encryption' });
    expect(readOpening(opening(80877102, Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 6)))?.opening).toEqual({
      kind: 'cancel',
      process: 5,
      secret: 6,
    });
  });

  it('of another protocol is refused', () => {
    for (const bytes of [opening(131_072, new Uint8Array(0)), encode('GET / HTTP/1.1\r\n')])
      expect(() => readOpening(bytes)).toThrow(ProtocolViolation);
  });
});
