import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPidf, summaryOf, writePidf, type Pidf, type PidfSummary } from './pidf.js';

const read = (text: string | Buffer): Pidf => {
  const pidf = readPidf(Buffer.from(text));
  if ('fault' in pidf) throw new Error(pidf.fault);
  return pidf;
};
const presence = (inside: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
  <presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
    xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:alice@example.org">${inside}</presence>`;
const summary = (inside: string): PidfSummary => summaryOf(read(presence(inside)));
const tuple = (basic: string, more = '', id = 't1'): string =>
  `<tuple id="${id}"><status><basic>${basic}</basic></status>${more}</tuple>`;

describe('a presence document', () => {
  it('says who is reachable, how, how gladly, since when and with what note (RFC 3863 §4)', () => {
    const pidf = read(
      presence(
        `<tuple id="bs35r9"><status><basic> open </basic><im:im xmlns:im="urn:ietf:params:xml:ns:pidf:im">busy</im:im></status>
         <contact priority="0.8">im:alice@mobilecarrier.example.net</contact>
         <note xml:lang="en">Don't Disturb Please!</note><note xml:lang="fr">Ne derangez pas, s'il vous plait</note>
         <timestamp>2001-10-27T16:49:29Z</timestamp></tuple>
         <tuple id="eg92n8"><status><basic>open</basic></status><contact priority="1.0">mailto:alice@example.org</contact></tuple>
         <note>I'll be in Tokyo next week</note>`,
      ),
    );
    expect(pidf).toEqual({
      entity: 'pres:alice@example.org',
      persons: [],
      notes: [{ text: "I'll be in Tokyo next week" }],
      tuples: [
        {
          id: 'bs35r9',
          basic: 'open',
          activities: [],
          contact: { uri: 'im:alice@mobilecarrier.example.net', priority: 0.8 },
          notes: [
            { text: "Don't Disturb Please!", language: 'en' },
            { text: "Ne derangez pas, s'il vous plait", language: 'fr' },
          ],
          timestamp: new Date('2001-10-27T16:49:29Z'),
        },
        {
          id: 'eg92n8',
          basic: 'open',
          activities: [],
          contact: { uri: 'mailto:alice@example.org', priority: 1 },
          notes: [],
        },
      ],
    });
  });

  it('says what a person does and whether their device is in use (RFC 4479, 4480)', () => {
    const pidf = read(
      presence(
        `${tuple('open', '<rpid:user-input idle-threshold="600" last-input="2026-11-22T11:00:00Z">idle</rpid:user-input>')}
         <dm:person id="p1"><rpid:activities><rpid:note>far</rpid:note><rpid:on-the-phone/><rpid:away/><rpid:other>juggling</rpid:other></rpid:activities>
         <rpid:mood><rpid:happy/></rpid:mood><dm:note>Back soon</dm:note><dm:timestamp>2026-11-22T12:00:00+01:00</dm:timestamp></dm:person>`,
      ),
    );
    expect(pidf.tuples[0]?.idle).toEqual({
      since: new Date('2026-11-22T11:00:00Z'),
      thresholdSeconds: 600,
    });
    expect(pidf.persons).toEqual([
      {
        id: 'p1',
        activities: ['on-the-phone', 'away', 'juggling'],
        notes: [{ text: 'Back soon' }],
        timestamp: new Date('2026-11-22T11:00:00Z'),
      },
    ]);
  });

  it('is read as drafts wrote it, too, which phones still send', () => {
    const pidf = read(
      presence(
        `<pp:person xmlns:pp="urn:ietf:params:xml:ns:pidf:person" xmlns:ep="urn:ietf:params:xml:ns:pidf:rpid:rpid-person">
         <status><ep:activities><ep:busy/></ep:activities></status></pp:person>${tuple('open')}`,
      ),
    );
    expect(summaryOf(pidf)).toMatchObject({ basic: 'open', activities: ['busy'] });
  });

  it.each([
    ['another document', '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>'],
    ['another namespace', '<presence xmlns="jabber:client"/>'],
    ['nothing', ''],
  ])('is none where it is %s', (_, text) => {
    expect(readPidf(Buffer.from(text))).toEqual({ fault: expect.any(String) });
  });

  it('reads back as it was written', () => {
    const id = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,10}$/);
    const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
    const said = fc.stringMatching(/^[!-~äλ文🦜]{1,20}$/u);
    const note = fc.record(
      { text: said, language: fc.constantFrom('en', 'de-CH') },
      { requiredKeys: ['text'] },
    );
    const rpid = {
      activities: fc.uniqueArray(fc.constantFrom('away', 'busy', 'on-the-phone', 'Juggling three')),
      idle: fc.record({ since: moment, thresholdSeconds: fc.nat(10_000) }, { requiredKeys: [] }),
    };
    const pidf: fc.Arbitrary<Pidf> = fc.record({
      entity: fc.constant('pres:alice@example.org'),
      notes: fc.array(note, { maxLength: 3 }),
      persons: fc.array(
        fc.record(
          { id, notes: fc.array(note, { maxLength: 2 }), timestamp: moment, ...rpid },
          { requiredKeys: ['id', 'notes', 'activities'] },
        ),
        { maxLength: 2 },
      ),
      tuples: fc.array(
        fc.record(
          {
            id,
            basic: fc.constantFrom('open' as const, 'closed' as const),
            show: fc.constantFrom('away', 'xa', 'dnd', 'chat'),
            contact: fc.record(
              { uri: said, priority: fc.nat(1_000).map((thousands) => thousands / 1_000) },
              { requiredKeys: ['uri'] },
            ),
            notes: fc.array(note, { maxLength: 2 }),
            timestamp: moment,
            ...rpid,
          },
          { requiredKeys: ['id', 'notes', 'activities'] },
        ),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(pidf, (written) => {
        expect(read(writePidf(written))).toEqual(written);
      }),
      { numRuns: 200 },
    );
  });

  it('has ids that XML takes, whatever they are made of', () => {
    const written = writePidf({
      entity: 'pres:a@b',
      persons: [],
      notes: [],
      tuples: [{ id: '7 <ü>', activities: [], notes: [] }],
    });
    expect(read(written).tuples[0]?.id).toBe('t7____');
  });
});

describe('several services of somebody', () => {
  it('are open where any is', () => {
    expect(summary(tuple('closed', '', 'a') + tuple('open', '', 'b')).basic).toBe('open');
  });

  it('speak by the one that is preferred, and among equals by the newest', () => {
    const at = (moment: string, note: string): string =>
      `<note>${note}</note><timestamp>2026-11-22T${moment}Z</timestamp>`;
    expect(
      summary(
        tuple('open', '<contact priority="0.3">sip:a@b</contact><note>low</note>', 'a') +
          tuple('open', '<contact priority="0.9">sip:a@b</contact><note>high</note>', 'b') +
          tuple('closed', '<contact priority="1">sip:a@b</contact><note>shut</note>', 'c'),
      ).note,
    ).toBe('high');
    expect(
      summary(tuple('open', at('10:00:00', 'old'), 'a') + tuple('open', at('11:00:00', 'new'), 'b')).note,
    ).toBe('new');
  });

  it('are not joined with what is left of an older word of their own', () => {
    const at = (hour: string): string => `<timestamp>2026-11-22T${hour}:00:00Z</timestamp>`;
    expect(summary(tuple('open', at('10'), 'a') + tuple('closed', at('11'), 'a')).basic).toBe('closed');
    expect(summary(tuple('closed', at('11'), 'a') + tuple('open', at('10'), 'a')).basic).toBe('closed');
  });

  it('say nothing where none says whether it is open', () => {
    expect(summary('')).toEqual({ activities: [] });
    expect(summary('<tuple id="a"><status/></tuple>')).toEqual({ activities: [] });
    expect(summary(tuple('maybe'))).toEqual({ activities: [] });
  });

  it('give way to what their person is said to do, by the newest word', () => {
    const person = (activity: string, hour: string): string =>
      `<dm:person id="p${hour}"><rpid:activities><rpid:${activity}/></rpid:activities><dm:timestamp>2026-11-22T${hour}:00:00Z</dm:timestamp></dm:person>`;
    expect(
      summary(
        tuple('open', '<rpid:activities><rpid:away/></rpid:activities>') +
          person('busy', '12') +
          person('meeting', '11'),
      ).activities,
    ).toEqual(['busy']);
  });
});
