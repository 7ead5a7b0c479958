import { afterEach, describe, expect, it } from '@jest/globals';
import type { Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId } from '#model';
import { eventually, scriptedIrc } from '#peers';
import { declined, offerOf } from './dcc.js';
import { createIrc } from './index.js';

const told = (argument: string): string | undefined => {
  const offer = offerOf({ verb: 'DCC', kind: 'request', argument });
  return offer && declined(offer);
};

describe('an offer to connect directly', () => {
  it.each([
    ['SEND photo.jpg 3232235777 5000 1200000', 'offers photo.jpg (1.2 MB) by DCC; declined'],
    ['SEND "my photo.jpg" 3232235777 5000 999', 'offers my photo.jpg (999 B) by DCC; declined'],
    ['SEND my photo.jpg 3232235777 5000 1000', 'offers my photo.jpg (1.0 kB) by DCC; declined'],
    ['send photo.jpg 2001:db8::1 5000', 'offers photo.jpg by DCC; declined'],
    ['SEND photo.jpg 199 0 1000 42', 'offers photo.jpg (1.0 kB) by DCC; declined'],
    ['SEND ../../etc/passwd 1 5000 1', 'offers passwd (1 B) by DCC; declined'],
    ['SEND "C:\\autoexec.bat" 1 5000 0', 'offers autoexec.bat (0 B) by DCC; declined'],
    ['SEND "a\u202egpj.exe" 1 5000 99999999999999999999', 'offers agpj.exe by DCC; declined'],
    ['CHAT chat 3232235777 5000', 'offers a direct chat by DCC; declined'],
  ])('is told in words: %s', (argument, words) => {
    expect(told(argument)).toBe(words);
  });

  it.each([
    'SEND',
    'SEND x',
    'SEND ".." 1 5000 1',
    'SEND "" 1 5000',
    'RESUME x 5000 1',
    'ACCEPT x 1 1',
    '',
    ' ',
  ])('is none where nothing is offered: %j', (argument) => {
    expect(told(argument)).toBeUndefined();
  });

  it('is none in an answer, and its words do not grow with its name', () => {
    expect(offerOf({ verb: 'DCC', kind: 'answer', argument: 'CHAT chat 1 5000' })).toBeUndefined();
    expect(told(`SEND ${'x'.repeat(500)} 1 5000 1`)?.length).toBeLessThan(150);
  });

  describe('over a connection', () => {
    const sessions: Session[] = [];
    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close('asked')));
    });

    it('is told in the conversation with whoever makes it, once, and nothing is answered', async () => {
      await using server = await scriptedIrc();
      const house = new TestContext();
      const settings = { host: '127.0.0.1', port: server.port, tls: false, nick: 'alice' };
      const session = createIrc({ timings: { welcome: 100, close: 400 } }).open(
        { id: newId<'LinkId'>(), settings },
        house,
      );
      sessions.push(session);
      const presence = { presence: 'available' };
      session.attach({ id: newId<'AccountId'>(), desired: { rooms: [], presence, contacts: [] } });
      session.connect();
      await eventually('we are online', () => house.stateOf()?.state === 'online');
      const client = await server.client(1);
      const before = client.lines.length;
      client.send(
        ':bob!b@example.org PRIVMSG alice :\x01DCC SEND photo.jpg 2130706433 22 1200000\x01',
        ':bob!b@example.org PRIVMSG #lobby :\x01DCC SEND worm.exe 1 5000 1\x01',
        ':bob!b@example.org PRIVMSG alice :did you get it?',
      );
      await eventually('both are told', () => house.heard().length === 2);
      expect(house.heard().map(({ conversation, content }) => ({ conversation, ...content }))).toEqual([
        { conversation: 'bob', text: 'offers photo.jpg (1.2 MB) by DCC; declined', notice: true },
        { conversation: 'bob', text: 'did you get it?' },
      ]);
      expect(house.turns).toEqual(['127.0.0.1']);
      expect(client.lines.slice(before).filter((line) => /NOTICE|PRIVMSG/.test(line))).toEqual([]);
    });
  });
});
