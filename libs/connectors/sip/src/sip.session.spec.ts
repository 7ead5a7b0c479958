/* An account and servers that are not as they should be. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import { rigServer, Rigs, type Rig } from '#connectors/sip/testing';
import { eventually } from '#peers';
import { Challenger, SipStack, type SipRequest } from '#protocols/sip';
import { startSandboxSip, type SandboxSip } from '#sandbox';

async function between(test: (sandbox: SandboxSip, rigs: Rigs) => Promise<void>): Promise<void> {
  await using sandbox = await startSandboxSip();
  await using rigs = new Rigs();
  await test(sandbox, rigs);
}

const begin = (sandbox: SandboxSip, rigs: Rigs): Promise<Rig> => rigs.begin({ server: rigServer(sandbox) });

it('leaves a server alone for as long as that wants', async () => {
  await between(async (sandbox, rigs) => {
    sandbox.misbehave({ refusesRegistration: { status: 503, retryAfter: 600 } });
    const alice = await begin(sandbox, rigs);
    const { until, code } = await alice.until('backing-off');
    expect(code).toBe('server-shutdown');
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(500_000);
  });
});

it('numbers each REGISTER with the number after the last', async () => {
  await between(async (sandbox, rigs) => {
    const numbers: string[] = [];
    const challenger = new Challenger({ realm: sandbox.domain });
    const server = new SipStack({
      userAgent: 'registrar',
      onRequest: (incoming) => {
        const { method, headers } = incoming.request;
        if (method !== 'REGISTER') return void incoming.respond(501);
        numbers.push(headers.get('cseq') ?? '');
        const contact = (headers.get('contact') ?? '').replace('expires=600', 'expires=1');
        if (headers.has('authorization')) incoming.respond(200, { headers: { contact } });
        else incoming.respond(401, { headers: { 'www-authenticate': challenger.challenge() } });
      },
    });
    const { port } = await server.listen({ transport: 'udp', host: '127.0.0.1', port: 0 });
    await rigs.begin({ server: { ...rigServer(sandbox), port } });
    await eventually('it is refreshed', () => numbers.length >= 3);
    expect(numbers.slice(0, 3)).toEqual(['1 REGISTER', '2 REGISTER', '3 REGISTER']);
    await server.close();
  });
});

it.each([
  ['with its Contact', (contact: string) => ({ contact: contact.replace('expires=600', 'expires=0') })],
  ['with all', () => ({ expires: '0' })],
])(
  'waits with the next try where a server keeps nothing of what it takes, and says so %s',
  async (_, says) => {
    await using rigs = new Rigs();
    let asked = 0;
    const server = new SipStack({
      userAgent: 'registrar',
      onRequest: (incoming) => {
        asked++;
        incoming.respond(200, { headers: says(incoming.request.headers.get('contact') ?? '') });
      },
    });
    const { port } = await server.listen({ transport: 'udp', host: '127.0.0.1', port: 0 });
    const where = { host: '127.0.0.1', port, domain: 'example.org', createAccount: () => Promise.resolve() };
    const alice = await rigs.begin({ server: where });
    const { code } = await alice.until('backing-off');
    expect({ asked, code }).toEqual({ asked: 1, code: 'server-shutdown' });
    await server.close();
  },
);

it('registers where it is sent on to, and speaks through that server from then on', async () => {
  await between(async (sandbox, rigs) => {
    const asked: SipRequest[] = [];
    const front = new SipStack({
      userAgent: 'front',
      onRequest: (incoming) => {
        asked.push(incoming.request);
        const contact = `<sip:alice@${sandbox.host}:${String(sandbox.port)}>`;
        incoming.respond(302, { headers: { contact } });
      },
    });
    const { port } = await front.listen({ transport: 'udp', host: '127.0.0.1', port: 0 });
    const alice = await rigs.begin({ server: { ...rigServer(sandbox), port } });
    await alice.until('online');
    expect(asked.map(({ method }) => method)).toEqual(['REGISTER']);
    expect(await alice.send(alice.address, 'a note to myself')).toMatchObject({ outcome: 'sent' });
    await front.close();
  });
});

it.each([
  ['outbound', /^<sip:[^;>]+;ob>$/],
  ['path', /^<sip:[^;>]+>$/],
])(
  'has dialogs stay on the flow of its registration where that knows how (%s)',
  async (extension, contact) => {
    await using rigs = new Rigs();
    const subscribed: SipRequest[] = [];
    const server = new SipStack({
      userAgent: 'registrar',
      onRequest: (incoming) => {
        const { method, headers } = incoming.request;
        if (method === 'SUBSCRIBE') subscribed.push(incoming.request);
        const bound = { contact: headers.get('contact') ?? '', require: extension };
        incoming.respond(method === 'REGISTER' ? 200 : 489, { headers: method === 'REGISTER' ? bound : {} });
      },
    });
    const { port } = await server.listen({ transport: 'udp', host: '127.0.0.1', port: 0 });
    const domain = 'example.org';
    const where = { host: '127.0.0.1', port, domain, createAccount: () => Promise.resolve() };
    await rigs.begin({ server: where, contacts: [`bob@${domain}`] });
    const [asked] = await eventually('bob is asked for', () => subscribed.length > 0 && subscribed);
    expect(asked?.headers.get('contact')).toMatch(contact);
    await server.close();
  },
);

it('proves its password to nobody but its own server', async () => {
  await between(async (sandbox, rigs) => {
    const alice = await begin(sandbox, rigs);
    await alice.until('online');
    const contact = new URL(sandbox.contactsOf(alice.address.split('@')[0] ?? '')[0] ?? '');
    const seat = /^(.*)@(.*):(\d+)/.exec(contact.pathname);
    const stranger = createSocket('udp4').bind(0, '127.0.0.2');
    await once(stranger, 'listening');
    const heard: string[] = [];
    const challenger = new Challenger({ realm: sandbox.domain });
    stranger.on('message', (bytes, from) => {
      const request = bytes.toString();
      heard.push(request);
      if (!request.startsWith('NOTIFY ')) return;
      const said = request.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq):/.test(line));
      const asking = challenger.challenge().map((challenge) => `WWW-Authenticate: ${challenge}`);
      stranger.send(
        ['SIP/2.0 401 Unauthorized', ...said, ...asking, 'Content-Length: 0', '', ''].join('\r\n'),
        from.port,
        from.address,
      );
    });
    const port = String(stranger.address().port);
    const subscribe = (id: string): void => {
      stranger.send(
        `SUBSCRIBE sip:${contact.pathname} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:${port};branch=z9hG4bK${id}\r\n` +
          `From: <sip:mallory@example.net>;tag=${id}\r\nTo: <sip:${alice.address}>\r\nCall-ID: ${id}\r\n` +
          `CSeq: 1 SUBSCRIBE\r\nContact: <sip:mallory@127.0.0.2:${port}>\r\nEvent: presence\r\n` +
          'Content-Length: 0\r\n\r\n',
        Number(seat?.[3]),
        seat?.[2],
      );
    };
    const notified = (id: string): boolean =>
      heard.some((text) => text.startsWith('NOTIFY ') && text.includes(`Call-ID: ${id}`));
    // What follows on the refusal of the first has come before the second is told.
    for (const id of ['first', 'second']) {
      subscribe(id);
      await eventually('the stranger is told', () => notified(id));
    }
    expect(heard.filter((text) => /^(?:Proxy-)?Authorization:/im.test(text))).toEqual([]);
    stranger.close();
  });
});
