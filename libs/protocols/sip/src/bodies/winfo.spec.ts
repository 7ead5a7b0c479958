import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readWatcherInfo, WatcherLists, writeWatcherInfo, type Watcher, type WatcherInfo } from './winfo.js';

const read = (text: string | Buffer): WatcherInfo => {
  const info = readWatcherInfo(Buffer.from(text));
  if ('fault' in info) throw new Error(info.fault);
  return info;
};
const watcher = (id: string, status: Watcher['status']): Watcher => ({
  id,
  uri: `sip:${id}@example.org`,
  status,
  event: 'subscribe',
});
const info = (version: number, state: 'full' | 'partial', ...watchers: Watcher[]): WatcherInfo => ({
  version,
  state,
  lists: [{ resource: 'sip:alice@example.org', package: 'presence', watchers }],
});

describe('watcher information', () => {
  it('says who watches and who asks to (the example of RFC 3858 §4)', () => {
    expect(
      read(`<?xml version="1.0"?>
        <watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="0" state="full">
          <watcher-list resource="sip:professor@example.net" package="presence">
            <watcher status="active" id="8ajksjda7s" duration-subscribed="509" event="approved">sip:userA@example.net</watcher>
            <watcher status="pending" id="hh8juja87s997-ass7" display-name="Mr. Subscriber" event="subscribe">sip:userB@example.org</watcher>
          </watcher-list>
        </watcherinfo>`),
    ).toEqual({
      version: 0,
      state: 'full',
      lists: [
        {
          resource: 'sip:professor@example.net',
          package: 'presence',
          watchers: [
            { id: '8ajksjda7s', uri: 'sip:userA@example.net', status: 'active', event: 'approved' },
            {
              id: 'hh8juja87s997-ass7',
              uri: 'sip:userB@example.org',
              status: 'pending',
              event: 'subscribe',
              displayName: 'Mr. Subscriber',
            },
          ],
        },
      ],
    });
  });

  it('passes over watchers that say too little', () => {
    const text = writeWatcherInfo(info(1, 'full', watcher('bob', 'active')))
      .toString()
      .replace('status="active"', 'status="sleepy"');
    expect(read(text).lists[0]?.watchers).toEqual([]);
  });

  it.each([
    ['another document', '<presence xmlns="urn:ietf:params:xml:ns:pidf"/>'],
    ['without a version', '<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" state="full"/>'],
    [
      'of a version that is no number',
      '<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="-1"/>',
    ],
  ])('is none where it is %s', (_, text) => {
    expect(readWatcherInfo(Buffer.from(text))).toEqual({ fault: expect.any(String) });
  });

  it('reads back as it was written', () => {
    const word = fc.stringMatching(/^[!-~äλ文🦜]{1,12}$/u);
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(
          fc.record(
            {
              id: word,
              uri: word,
              status: fc.constantFrom('pending', 'active', 'waiting', 'terminated'),
              event: word,
              displayName: word,
              expirationSeconds: fc.nat(),
            },
            { requiredKeys: ['id', 'uri', 'status', 'event'] },
          ),
          { maxLength: 4 },
        ),
        (version, watchers) => {
          const written = info(version, 'partial', ...(watchers as Watcher[]));
          expect(read(writeWatcherInfo(written))).toEqual(written);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('the list of watchers', () => {
  it('grows by partial documents and starts anew with a full one', () => {
    const lists = new WatcherLists();
    expect(lists.take(info(0, 'full', watcher('bob', 'pending')))).toBe('taken');
    expect(lists.take(info(1, 'partial', watcher('carol', 'active')))).toBe('taken');
    expect(lists.take(info(2, 'partial', watcher('bob', 'active')))).toBe('taken');
    expect(lists.watchers().map(({ id, status }) => [id, status])).toEqual([
      ['bob', 'active'],
      ['carol', 'active'],
    ]);
    expect(lists.take(info(7, 'full', watcher('dave', 'waiting')))).toBe('taken');
    expect(lists.watchers().map(({ id }) => id)).toEqual(['dave']);
  });

  it('knows nobody any more whose subscription has ended', () => {
    const lists = new WatcherLists();
    lists.take(info(0, 'full', watcher('bob', 'active')));
    lists.take(info(1, 'partial', watcher('bob', 'terminated')));
    expect(lists.watchers()).toEqual([]);
  });

  it('takes nothing from a document that came late, and sees that one is missing', () => {
    const lists = new WatcherLists();
    expect(lists.take(info(3, 'partial', watcher('bob', 'active')))).toBe('gap');
    lists.take(info(4, 'full', watcher('bob', 'pending')));
    expect(lists.take(info(4, 'partial', watcher('bob', 'active')))).toBe('old');
    expect(lists.take(info(2, 'full'))).toBe('old');
    expect(lists.take(info(6, 'partial', watcher('bob', 'active')))).toBe('gap');
    expect(lists.watchers()).toEqual([watcher('bob', 'pending')]);
    lists.reset();
    expect(lists.take(info(0, 'full', watcher('bob', 'active')))).toBe('taken');
  });
});
