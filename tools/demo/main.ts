/*
 * `npm run demo`: Parley with an IRC network and an XMPP server of its own, two residents who talk on both, a message
 * centre with their phones, and a SIP server with their telephones. Everything lives in this process, in a child of it and
 * in a temporary directory, and is gone when it ends.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { startSandboxIrc, startSandboxSip, startSandboxSms, startSandboxXmpp } from '#sandbox';
import { House, person } from './house.js';
import { Lounge } from './lounge.js';
import { answerTexts } from './phones.js';
import { IrcResident } from './resident.js';
import { follow } from './screen.js';
import { answerTelephones } from './telephones.js';
import { XmppResident } from './xmpp-resident.js';

const room = '#lounge';
/** The person's own number, and the phones of those who are in the lounge too. */
const numbers = { own: '+12025550100', bob: '+12025550111', carol: '+12025550122' };

const usage = `npm run demo -- [--port 8080] [--irc-port 6667] [--xmpp-port 5222] [--smpp-port 2775]
                     [--sip-port 5060] [--tempo 2500]

  --port      where Parley listens; another port is taken where that one is in use
  --irc-port  the same for the IRC server
  --xmpp-port the same for the XMPP server
  --smpp-port the same for the message centre
  --sip-port  the same for the SIP server
  --tempo     milliseconds between two things that the residents do
`;

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

interface Options {
  readonly port: number;
  readonly ircPort: number;
  readonly xmppPort: number;
  readonly smppPort: number;
  readonly sipPort: number;
  readonly tempo: number;
}

/** What was asked for; undefined where it makes no sense. */
function readOptions(): Options | undefined {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '8080' },
        'irc-port': { type: 'string', default: '6667' },
        'xmpp-port': { type: 'string', default: '5222' },
        'smpp-port': { type: 'string', default: '2775' },
        'sip-port': { type: 'string', default: '5060' },
        tempo: { type: 'string', default: '2500' },
      },
    });
    const options = {
      port: Number(values.port),
      ircPort: Number(values['irc-port']),
      xmppPort: Number(values['xmpp-port']),
      smppPort: Number(values['smpp-port']),
      sipPort: Number(values['sip-port']),
      tempo: Number(values.tempo),
    };
    const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port < 65_536;
    const ports = [options.port, options.ircPort, options.xmppPort, options.smppPort, options.sipPort];
    return ports.every(isPort) && options.tempo > 0 ? options : undefined;
  } catch {
    return undefined;
  }
}

/** The port if nobody has it, else any free one. */
async function free(port: number): Promise<number> {
  const server = createServer();
  const taken = await new Promise<boolean>((answer) => {
    server
      .once('error', () => {
        answer(true);
      })
      .listen(port, '127.0.0.1', () => {
        answer(false);
      });
  });
  if (taken) return free(0);
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return address === null || typeof address === 'string' ? port : address.port;
}

interface Places {
  readonly irc: { readonly id: string; readonly port: number };
  readonly xmpp: { readonly id: string; readonly port: number; readonly room: string; readonly jid: string };
  readonly sms: { readonly id: string };
  readonly sip: { readonly id: string; readonly account: string; readonly domain: string };
}

function explain(house: House, { irc, xmpp, sms, sip }: Places): void {
  const { url, token, password } = house;
  const bearer = `-H 'authorization: Bearer ${token}'`;
  const messages = `${url}/v1/conversations/${irc.id}/messages`;
  print(`
Parley is running, and ${person.nick} is in ${room} on a small IRC network and in ${xmpp.room} on a small XMPP server.
Bob and carol talk in both, have phones for text messages, and telephones on a small SIP server.

  Address   ${url}        (every call, to read and to try: ${url}/v1/docs)
  E-mail    ${person.email}
  Password  ${password}
  Token     ${token}

Say something as ${person.nick} (paste it into another terminal; bob or carol will answer):

  curl -s ${messages} ${bearer} -H 'content-type: application/json' -d '{"text":"hello bob, how are you?"}'

Read what was said, and follow what happens:

  curl -s '${messages}?limit=10' ${bearer}
  curl -sN ${url}/v1/events ${bearer} -H 'accept: text/event-stream'

Or on XMPP, where bob and carol are too:

  curl -s ${url}/v1/conversations/${xmpp.id}/messages ${bearer} -H 'content-type: application/json' -d '{"text":"hello carol, anything new?"}'

Or as a text message to bob's phone, ${numbers.bob}, from your own number, ${numbers.own} (carol's is ${numbers.carol}):

  curl -s ${url}/v1/conversations/${sms.id}/messages ${bearer} -H 'content-type: application/json' -d '{"text":"hi bob, are you on the way?"}'

Or over SIP to carol (ask her to call you, and see her call ring and be missed):

  curl -s ${url}/v1/conversations/${sip.id}/messages ${bearer} -H 'content-type: application/json' -d '{"text":"carol, please call me"}'
  curl -s ${url}/v1/calls ${bearer}

Or have bob's telephone and then carol's ring, and let them talk to each other:

  curl -s ${url}/v1/calls ${bearer} -H 'content-type: application/json' -d '{"from":{"account":"${sip.account}","address":"bob@${sip.domain}"},"to":"carol@${sip.domain}"}'

Or come by yourself with any IRC client: server 127.0.0.1, port ${String(irc.port)}, no TLS, then /join ${room}
or with any XMPP client: register on server 127.0.0.1, port ${String(xmpp.port)}, no TLS, at ${xmpp.jid}, then join ${xmpp.room}

Ctrl-C ends it, and leaves nothing behind. This is what Parley hears:
`);
}

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending.abort();
  });
}

async function demonstrate(options: Options): Promise<void> {
  print(
    'Starting a small IRC network, an XMPP server, a message centre, a SIP server and Parley, with a fresh database …',
  );
  const ircPort = await free(options.ircPort);
  await using irc = await startSandboxIrc({
    port: ircPort,
    name: 'irc.example.org',
    network: 'Demo',
    host: 'demo.example.org',
    motd: [`Welcome. Join ${room}: bob and carol are there.`],
  });
  const password = randomBytes(9).toString('base64url');
  await using xmpp = await startSandboxXmpp({
    port: await free(options.xmppPort),
    domain: 'chat.example.org',
    accounts: [{ name: person.nick, password }],
  });
  const xmppRoom = `lounge@${xmpp.roomDomain}`;
  const { signal } = ending;
  await using centre = await startSandboxSms({
    port: await free(options.smppPort),
    accounts: [{ systemId: person.nick, password: password.slice(0, 8) }],
  });
  answerTexts(centre, [numbers.bob, numbers.carol], person.nick, options.tempo, signal);
  await using sip = await startSandboxSip({
    port: await free(options.sipPort),
    domain: 'sip.example.org',
    accounts: [{ user: person.nick, password }],
  });
  answerTelephones(sip, ['bob', 'carol'], person.nick, options.tempo, signal);
  const house = await House.open(await free(options.port), signal);
  const lounges: Lounge[] = [];
  try {
    lounges.push(
      await Lounge.open(
        room,
        (nick, handler) => IrcResident.arrive(nick, irc.port, room, handler),
        options.tempo,
      ),
      await Lounge.open(
        xmppRoom,
        (nick, handler) => XmppResident.arrive(nick, xmpp, xmppRoom, handler),
        options.tempo,
      ),
    );
    const conversation = await house.enter(
      {
        connector: 'irc',
        label: 'Demo IRC',
        settings: { host: irc.host, port: irc.port, tls: false, nick: person.nick, linesPerSecond: 5 },
      },
      room,
      signal,
    );
    const talk = await house.enter(
      {
        connector: 'xmpp',
        label: 'Demo XMPP',
        settings: {
          jid: `${person.nick}@${xmpp.domain}`,
          host: xmpp.host,
          port: xmpp.port,
          security: 'none',
        },
        secrets: { password },
      },
      xmppRoom,
      signal,
    );
    const texts = await house.reach(
      {
        connector: 'sms',
        label: 'Demo SMS',
        settings: {
          driver: 'smpp',
          numbers: [numbers.own],
          smpp: { host: centre.host, port: centre.port, tls: false, systemId: person.nick },
        },
        secrets: { password: password.slice(0, 8) },
      },
      numbers.bob,
      signal,
    );
    const calls = await house.reach(
      {
        connector: 'sip',
        label: 'Demo SIP',
        settings: {
          address: `${person.nick}@${sip.domain}`,
          host: sip.host,
          port: sip.port,
          transport: 'udp',
        },
        secrets: { password },
      },
      `carol@${sip.domain}`,
      signal,
    );
    explain(house, {
      irc: { id: conversation.id, port: irc.port },
      xmpp: { id: talk.id, port: xmpp.port, room: xmppRoom, jid: xmpp.domain },
      sms: { id: texts.id },
      sip: { id: calls.id, account: calls.account, domain: sip.domain },
    });
    const ended = new Promise<void>((done) => {
      signal.addEventListener('abort', () => {
        done();
      });
    });
    const fallen = house.ended().then((output) => {
      if (!signal.aborted) throw new Error(`Parley has ended.\n${output}`);
    });
    await Promise.race([
      ended,
      fallen,
      follow(house.client, conversation, person.nick, print, signal),
      ...lounges.map((lounge) => lounge.play()),
    ]);
    print('\nEnding …');
  } finally {
    ending.abort();
    for (const lounge of lounges) lounge.close();
    await house.close();
  }
}

const options = readOptions();
if (options === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  try {
    await demonstrate(options);
  } catch (error) {
    if (!ending.signal.aborted) {
      process.stderr.write(
        `The demo cannot go on. ${error instanceof Error ? error.message : String(error)}\n`,
      );
      process.exitCode = 1;
    }
  }
}
