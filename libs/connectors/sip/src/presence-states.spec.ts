import { describe, expect, test } from '@jest/globals';
import { presences, type Presence } from '#model';
import { readPidf, writePidf, type Pidf } from '#protocols/sip';
import { noPresence, pidfOf, presenceFrom } from './presence-states.js';

const now = new Date('2026-11-22T12:00:00Z');
const options = { now, id: 'desk' };
const read = (inside: string): Pidf => {
  const pidf = readPidf(
    Buffer.from(`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
      xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:bob@example.org">${inside}</presence>`),
  );
  if ('fault' in pidf) throw new Error(pidf.fault);
  return pidf;
};
const of = (inside: string): Presence => presenceFrom(read(inside), now).presence;
const tuple = (basic: string, more = ''): string =>
  `<tuple id="t"><status><basic>${basic}</basic></status>${more}</tuple>`;
const person = (...activities: string[]): string =>
  `<dm:person id="p"><r:activities>${activities.map((name) => `<r:${name}/>`).join('')}</r:activities></dm:person>`;

describe('our presence', () => {
  test.each(presences)('%s is read back by those who know it all', (presence) => {
    const written = readPidf(
      writePidf(pidfOf({ presence, note: 'Tea & cake' }, 'alice@example.org', options)),
    );
    if ('fault' in written) throw new Error(written.fault);
    expect(presenceFrom(written, now)).toEqual({
      // What nobody knows cannot be told.
      presence: presence === 'unknown' ? 'available' : presence,
      note: 'Tea & cake',
      since: now.toISOString(),
    });
  });

  test.each<[Presence, Presence]>([
    // The lossy arrow: without XMPP's word, who would like to chat is simply there.
    ['chatty', 'available'],
    ['available', 'available'],
    ['away', 'away'],
    ['extended-away', 'extended-away'],
    ['busy', 'busy'],
    ['offline', 'offline'],
  ])('%s is %s to those who know RPID alone', (presence, seen) => {
    const pidf = pidfOf({ presence }, 'alice@example.org', options);
    const tuples = pidf.tuples.map(({ show, ...rest }) => (show === undefined ? rest : { ...rest }));
    const plain = { ...pidf, tuples };
    expect(presenceFrom(plain, now)).toMatchObject({ presence: seen });
  });

  test('names whose it is, and where they are reached', () => {
    const pidf = pidfOf({ presence: 'available' }, 'alice@example.org', {
      ...options,
      contact: 'sip:alice@example.org',
    });
    expect(pidf.entity).toBe('pres:alice@example.org');
    expect(pidf.tuples[0]).toMatchObject({
      id: 'desk',
      contact: { uri: 'sip:alice@example.org' },
      timestamp: now,
    });
  });
});

describe('the presence of others', () => {
  test('is unknown, and not offline, where nothing is said', () => {
    expect(of('')).toBe('unknown');
    expect(of('<tuple id="t"><status/></tuple>')).toBe('unknown');
    expect(noPresence(now)).toEqual({ presence: 'unknown', since: now.toISOString() });
  });

  test('is what they do', () => {
    expect(of(tuple('open') + person('on-the-phone'))).toBe('busy');
    expect(of(tuple('open') + person('lunch'))).toBe('away');
    expect(of(tuple('open') + person('vacation'))).toBe('extended-away');
    expect(of(tuple('open') + person('playing'))).toBe('available');
    expect(of(tuple('open') + person('away', 'meeting'))).toBe('busy');
    expect(of(person('away'))).toBe('away');
    expect(of(tuple('closed') + person('busy'))).toBe('offline');
  });

  test('is away where nobody uses the device, and extended-away where nobody has for long', () => {
    const idle = (attributes: string): string =>
      tuple('open', `<r:user-input ${attributes}>idle</r:user-input>`);
    expect(of(idle(''))).toBe('away');
    expect(of(idle('last-input="2026-11-22T11:50:00Z"'))).toBe('away');
    expect(of(idle('last-input="2026-11-22T11:00:00Z"'))).toBe('extended-away');
    expect(of(idle('idle-threshold="1800"'))).toBe('extended-away');
    expect(of(tuple('open', '<r:user-input>active</r:user-input>'))).toBe('available');
  });

  test('is what XMPP says, where a gateway passes it on (RFC 8048)', () => {
    const show = (word: string): string =>
      `<tuple id="t"><status><basic>open</basic><show xmlns="jabber:client">${word}</show></status></tuple>`;
    expect(of(show('xa'))).toBe('extended-away');
    expect(of(show('chat'))).toBe('chatty');
    expect(of(show('constructor'))).toBe('available');
  });
});
