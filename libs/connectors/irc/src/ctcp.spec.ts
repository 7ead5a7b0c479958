import { expect, it } from '@jest/globals';
import irc from 'irc-framework';
import { CtcpAnswers } from './ctcp.js';
import { factOf } from './from-irc.js';
import { plainNetwork } from './network.js';
import { Outbox } from './outbox.js';
import { TokenBucket } from '#connector/session';

function answering(burst = 100) {
  let now = 1_000;
  const lines: string[] = [];
  const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
  const outbox = new Outbox({
    write: (line) => lines.push(line),
    backlog: () => 0,
    clock,
    bucket: new TokenBucket(burst, 0.5, () => now),
    idle: () => undefined,
  });
  const answers = new CtcpAnswers({ outbox, clock });
  return {
    lines,
    pass: (ms: number) => {
      now += ms;
    },
    asked: (line: string) => {
      const fact = factOf(irc.ircLineParser(line), plainNetwork);
      if (fact?.fact === 'ctcp') answers.asked(fact);
    },
  };
}
const ask = (what: string, from = 'bob!b@example.org', to = 'alice'): string =>
  `:${from} PRIVMSG ${to} :\x01${what}\x01`;

it('says what it is, whether it is there and what time it is, by NOTICE to who asks', () => {
  const { lines, asked, pass } = answering();
  for (const what of ['VERSION', 'ping 1 2', 'TIME', 'CLIENTINFO']) {
    asked(ask(what));
    pass(20_000);
  }
  expect(lines).toEqual([
    'NOTICE bob :\x01VERSION Parley\x01',
    'NOTICE bob :\x01PING 1 2\x01',
    'NOTICE bob :\x01TIME 1970-01-01T00:00:41.000Z\x01',
    'NOTICE bob :\x01CLIENTINFO ACTION CLIENTINFO PING TIME VERSION\x01',
  ]);
});

it('answers no rooms, no answers, no servers, and nothing that it does not know', () => {
  const { lines, asked } = answering();
  asked(ask('VERSION', 'bob!b@example.org', '#lobby'));
  asked(':bob!b@example.org NOTICE alice :\x01VERSION\x01');
  asked(':irc.example.org PRIVMSG alice :\x01DCC SEND x\x01');
  for (const what of ['CONSTRUCTOR', 'toString', '__proto__', 'FINGER', 'PING']) asked(ask(what));
  expect(lines).toEqual([]);
});

it('lets nobody make it flood: neither one who asks often, nor many, nor many nicks of one', () => {
  const often = answering();
  for (let at = 0; at < 100; at++) often.asked(ask('VERSION', `bob${String(at)}!b@example.org`));
  expect(often.lines).toHaveLength(2);
  const many = answering();
  for (let at = 0; at < 1_000; at++) many.asked(ask('VERSION', `bob!b@host${String(at)}.example.org`));
  expect(many.lines).toHaveLength(4);
  many.pass(4_000);
  for (let at = 0; at < 1_000; at++) many.asked(ask('VERSION', `bob!b@other${String(at)}.example.org`));
  expect(many.lines).toHaveLength(6);
  // What people say goes first.
  const busy = answering(3);
  busy.asked(ask('VERSION'));
  expect(busy.lines).toEqual([]);
});
