import { describe, expect, it } from '@jest/globals';
import { Caps } from './caps.js';

/** A negotiation whose lines and news are written down. */
function negotiation(more: readonly string[] = []) {
  const sent: string[] = [];
  const told: string[] = [];
  const caps: Caps = new Caps({
    send: (line) => sent.push(line),
    offered: () => {
      told.push('offered');
      caps.ask(more);
    },
    settled: () => told.push('settled'),
    changed: () => told.push('changed'),
  });
  const hear = (...lines: readonly string[]): void => {
    for (const line of lines) {
      const [head = '', list] = line.split(' :');
      caps.take(['alice', ...head.split(' '), ...(list === undefined ? [] : [list])]);
    }
  };
  return { caps, sent, told, hear };
}

describe('capabilities', () => {
  it('are asked for when the whole list is there, and only those that we know', () => {
    const { caps, sent, told, hear } = negotiation(['sasl']);
    hear('LS * :batch message-tags example.org/other', 'LS * :sasl=PLAIN,EXTERNAL');
    expect(sent).toEqual([]);
    hear('LS :server-time');
    expect(sent).toEqual(['CAP REQ :sasl', 'CAP REQ :batch message-tags server-time']);
    expect(caps.offer('sasl')).toBe('PLAIN,EXTERNAL');
    hear('ACK :sasl', 'ACK :batch message-tags');
    expect(told).not.toContain('settled');
    hear('ACK :server-time ');
    expect(told.at(-1)).toBe('settled');
    expect([...caps.enabled]).toEqual(['sasl', 'batch', 'message-tags', 'server-time']);
  });

  it('are settled at once where nothing is offered', () => {
    const { sent, told, hear } = negotiation();
    hear('LS :');
    expect(sent).toEqual([]);
    expect(told).toEqual(['offered', 'settled']);
  });

  it('are asked for one by one when a line is refused, and each only once', () => {
    const { caps, sent, told, hear } = negotiation();
    hear('LS :batch setname chghost', 'NAK :batch setname chg');
    expect(sent.slice(1)).toEqual(['CAP REQ :batch', 'CAP REQ :setname', 'CAP REQ :chghost']);
    hear('ACK :batch', 'NAK :setname', 'ACK :chghost');
    expect(told.at(-1)).toBe('settled');
    expect([...caps.enabled]).toEqual(['batch', 'chghost']);
    hear('NEW :setname');
    expect(sent).toHaveLength(4);
    hear('DEL :setname', 'NEW :setname');
    expect(sent.at(-1)).toBe('CAP REQ :setname');
  });

  it('hold only when they were asked for', () => {
    const { caps, told, hear } = negotiation();
    hear('LS :batch', 'ACK :echo-message labeled-response', 'NAK :chghost', 'ACK :');
    expect(caps.has('echo-message')).toBe(false);
    expect(told).toEqual(['offered']);
  });

  it('come and go while we are online', () => {
    const { caps, sent, told, hear } = negotiation();
    hear('LS :batch echo-message', 'ACK :batch echo-message');
    told.length = 0;
    hear('DEL :echo-message example.org/other');
    expect(caps.has('echo-message')).toBe(false);
    expect(told).toEqual(['changed']);
    hear('NEW :echo-message=x setname', 'ACK :echo-message setname', 'ACK :-setname');
    expect(sent.at(-1)).toBe('CAP REQ :echo-message setname');
    expect(caps.has('echo-message')).toBe(true);
    expect(caps.has('setname')).toBe(false);
  });

  it('are asked for in lines that fit, and not remembered without end', () => {
    const { caps, sent, hear } = negotiation();
    for (let line = 0; line < 100; line++) {
      hear(
        `LS * :${Array.from({ length: 20 }, (_, at) => `vendor/${String(line)}-${String(at)}`).join(' ')}`,
      );
    }
    hear('LS :batch');
    expect(caps.offer('vendor/99-0')).toBeUndefined();
    expect(sent).toEqual([]);
  });
});
