/* What the sandbox does for its clients: registration, messages, presence. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  Dialog,
  parseNameAddr,
  pidfType,
  readPidf,
  readWatcherInfo,
  summaryOf,
  writePidf,
  type PidfSummary,
} from '#protocols/sip';
import { describeWithPeers, makeAuthority, openssl, scratchDirectory } from '#peers';
import { startSandboxSip, type SandboxSip, type SandboxSipOptions } from '#sandbox';
import { until } from '../until.js';
import { answered, Desk } from './desk.fixture.js';

const alice = { user: 'alice', password: 'tulip' };
const bob = 'bob@sip.sandbox';

async function using(
  options: SandboxSipOptions,
  test: (sandbox: SandboxSip, desk: Desk) => Promise<void>,
  how: ConstructorParameters<typeof Desk>[1] = {},
): Promise<void> {
  await using sandbox = await startSandboxSip({ accounts: [alice], ...options });
  await using desk = new Desk(sandbox, how);
  await test(sandbox, desk);
}

describe('registration', () => {
  it.each(['MD5', 'SHA-256'] as const)('asks for the password, by %s', async (algorithm) => {
    await using({ algorithms: [algorithm] }, async (sandbox, desk) => {
      expect((await desk.register()).response.status).toBe(200);
      expect(sandbox.contactsOf('alice')).toHaveLength(1);
      await using thief = new Desk(sandbox, { password: 'rose' });
      expect(await thief.register()).toMatchObject({ response: { status: 401 }, unauthorised: 'rejected' });
      await using nobody = new Desk(sandbox, { user: 'mallory' });
      expect((await nobody.register()).response.status).toBe(401);
    });
  });

  it('lasts as long as it says, and ends when told', async () => {
    await using({ leastExpires: 30 }, async (sandbox, desk) => {
      expect((await desk.register({ expires: '5' })).response).toMatchObject({ status: 423 });
      const { response } = await desk.register({ expires: '60' });
      const [contact = ''] = response.headers.list('contact');
      expect(Number(parseNameAddr(contact)?.params.get('expires'))).toBeGreaterThan(50);
      await desk.register({ contact: '*', expires: '0' });
      expect(sandbox.contactsOf('alice')).toEqual([]);
    });
  });

  it.each([
    ['sip:alice@sip.sandbox', 200],
    ['Alice <sips:alice@sip.sandbox>', 200],
    ['tel:+12025550123', 400],
  ])('is of an address in angle brackets or without: %s', async (to, status) => {
    await using({}, async (_sandbox, desk) => {
      expect((await desk.register({ to, expires: '60' })).response.status).toBe(status);
    });
  });

  it('keeps parameters of a contact apart from those of its URI (RFC 4475 §3.3.12, 3.3.13)', async () => {
    await using({}, async (_sandbox, desk) => {
      const first = await desk.register({ contact: 'sip:desk@127.0.0.1:9;unknownparam', expires: '60' });
      expect(first.response.headers.list('contact')[0]).toMatch(
        /^<sip:desk@127.0.0.1:9>;unknownparam;expires=/,
      );
      const second = await desk.register({ contact: '<sip:desk@127.0.0.1:10;unknownparam>', expires: '60' });
      expect(second.response.headers.list('contact')[0]).toMatch(
        /^<sip:desk@127.0.0.1:10;unknownparam>;expires=/,
      );
      expect(second.response.headers.list('contact')).toHaveLength(2);
    });
  });

  it('is nobody else’s: what is sent needs the password too, and goes nowhere beyond', async () => {
    await using({}, async (sandbox, desk) => {
      await using thief = new Desk(sandbox, { password: 'rose' });
      expect(await thief.say(bob, 'hello')).toBe(407);
      await using stranger = new Desk(sandbox, { user: 'mallory' });
      expect(await stranger.say(bob, 'hello')).toBe(403);
      expect(await desk.say('nobody@sip.sandbox', 'hello')).toBe(404);
    });
  });
});

describe('messages', () => {
  it.each(['udp', 'tcp'] as const)('go both ways over %s', async (transport) => {
    await using(
      {},
      async (sandbox, desk) => {
        await desk.register();
        expect(await desk.say(bob, 'hello bob')).toBe(200);
        expect(await sandbox.resident('bob').hearing('hello bob')).toMatchObject({ from: desk.address });
        sandbox.resident('bob').say(desk.address, 'hello alice');
        const { request } = await desk.coming('MESSAGE');
        expect(request.body.toString()).toBe('hello alice');
        await until('it is taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
      },
      { transport },
    );
  });

  it('wait for who is away, come in their order, and are the same when they come again', async () => {
    await using({}, async (sandbox, desk) => {
      const resident = sandbox.resident('bob');
      for (const text of ['one', 'two', 'three']) resident.say(desk.address, text);
      expect(sandbox.undelivered('alice')).toBe(3);
      desk.status = 503;
      await desk.register();
      await until('all came', () => (desk.texts.length >= 3 ? true : undefined));
      expect(desk.texts.slice(0, 3)).toEqual(['one', 'two', 'three']);
      desk.status = 200;
      await until('all are taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
      const ones = desk.came.filter(({ request }) => request.body.toString() === 'one');
      expect(ones.length).toBeGreaterThan(1);
      const names = ones.map(({ request: { headers } }) =>
        ['call-id', 'cseq', 'from'].map((name) => headers.get(name)).join(' '),
      );
      expect(new Set(names).size).toBe(1);
    });
  });

  it('come by the new way when the old one is cut', async () => {
    await using(
      {},
      async (sandbox, desk) => {
        await desk.register();
        desk.status = undefined;
        sandbox.resident('bob').say(desk.address, 'unanswered');
        await desk.coming('MESSAGE');
        sandbox.cut();
        await until('she is gone', () => (sandbox.contactsOf('alice').length === 0 ? true : undefined));
        expect(sandbox.undelivered('alice')).toBe(1);
        desk.status = 200;
        await desk.register();
        await until('it is taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
        expect(desk.texts).toEqual(['unanswered', 'unanswered']);
      },
      { transport: 'tcp' },
    );
  });

  it('pass from one account to another', async () => {
    await using({ accounts: [alice, { user: 'dave', password: 'tulip' }] }, async (sandbox, desk) => {
      await using dave = new Desk(sandbox, { user: 'dave' });
      await dave.register();
      expect(await desk.say(dave.address, 'hello dave')).toBe(202);
      expect((await dave.coming('MESSAGE')).request.headers.get('from')).toContain(desk.address);
    });
  });

  it('are reported by residents who are told to, and asked about by those who want to know', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      const resident = sandbox.resident('bob');
      resident.say(desk.address, 'did you get it?', { as: 'cpim' });
      const asked = await desk.coming('MESSAGE');
      expect(asked.request.headers.get('content-type')).toBe('message/cpim');
      resident.reports = 'displayed';
      const more = { headers: { 'content-type': 'message/cpim' }, body: asked.request.body };
      expect(answered(await desk.ask('MESSAGE', bob, more)).response.status).toBe(200);
      expect(await resident.hearing('did you get it?')).toMatchObject({ type: 'message/cpim' });
      await until('both are reported', () => (desk.came.length === 3 ? true : undefined));
      const [delivered, displayed] = desk.came.slice(1).map(({ request }) => request.body.toString());
      expect(delivered).toMatch(/<delivered\s*\/>/);
      expect(displayed).toMatch(/<displayed\s*\/>/);
    });
  });

  it('of phones that take text alone are refused with 415', async () => {
    await using({}, async (sandbox, desk) => {
      sandbox.resident('bob').takesCpim = false;
      const headers = { 'content-type': 'application/im-iscomposing+xml' };
      const answer = answered(await desk.ask('MESSAGE', bob, { headers, body: '<x/>' }));
      expect(answer.response).toMatchObject({ status: 415 });
      expect(answer.response.headers.get('accept')).toBe('text/plain');
    });
  });

  it('show who is writing', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      sandbox.resident('bob').types(desk.address, true);
      const { request } = await desk.coming('MESSAGE');
      expect(request.headers.get('content-type')).toBe('application/im-iscomposing+xml');
      const headers = { 'content-type': 'application/im-iscomposing+xml' };
      await desk.ask('MESSAGE', bob, { headers, body: request.body });
      expect(sandbox.resident('bob').seesTyping(desk.address)).toBe(true);
    });
  });
});

describe('presence', () => {
  const subscription = { event: 'presence', accept: pidfType, expires: '60' };
  const published = (note: string): Buffer =>
    writePidf({
      entity: 'sip:alice@sip.sandbox',
      tuples: [{ id: 'desk', basic: 'open', activities: [], notes: [{ text: note }] }],
      persons: [],
      notes: [],
    });

  function summaryIn(body: Buffer): PidfSummary | undefined {
    const pidf = readPidf(body);
    return 'fault' in pidf ? undefined : summaryOf(pidf);
  }

  it('of residents is told to who subscribes, until they no longer do', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      expect(answered(await desk.ask('SUBSCRIBE', bob, { headers: subscription })).response.status).toBe(200);
      const first = await desk.coming('NOTIFY');
      expect(summaryIn(first.request.body)).toMatchObject({ basic: 'open' });
      sandbox.resident('bob').show('away', 'in the garden');
      await desk.coming('NOTIFY', ({ request: { body } }) => {
        const { activities, note } = summaryIn(body) ?? {};
        return activities?.[0] === 'away' && note === 'in the garden';
      });
      const once = { ...subscription, expires: '0' };
      await desk.ask('SUBSCRIBE', 'carol@sip.sandbox', { headers: once });
      await desk.coming('NOTIFY', ({ request: { headers } }) =>
        (headers.get('subscription-state') ?? '').startsWith('terminated'),
      );
    });
  });

  it('is published, kept by its tag, and seen by residents', async () => {
    await using({}, async (sandbox, desk) => {
      const resident = sandbox.resident('bob');
      resident.watch(desk.address);
      expect(resident.sees(desk.address)).toBeUndefined();
      const publish = async (more: Record<string, string>, body?: Buffer) =>
        answered(
          await desk.ask('PUBLISH', desk.address, {
            headers: { event: 'presence', ...(body && { 'content-type': pidfType }), ...more },
            ...(body && { body }),
          }),
        ).response;
      const first = await publish({ expires: '60' }, published('at work'));
      expect(first.status).toBe(200);
      expect(resident.sees(desk.address)).toMatchObject({ basic: 'open', note: 'at work' });
      const tag = first.headers.get('sip-etag') ?? '';
      const second = await publish({ expires: '60', 'sip-if-match': tag });
      expect(second.status).toBe(200);
      expect((await publish({ expires: '60', 'sip-if-match': tag })).status).toBe(412);
      await publish({ expires: '0', 'sip-if-match': second.headers.get('sip-etag') ?? '' });
      expect(resident.sees(desk.address)).toBeUndefined();
    });
  });

  it('is shown to those who were let, and who asks is told to the account', async () => {
    await using({ watchers: 'admitted' }, async (sandbox, desk) => {
      await desk.register();
      const headers = { event: 'presence.winfo', expires: '60' };
      expect(answered(await desk.ask('SUBSCRIBE', desk.address, { headers })).response.status).toBe(200);
      const resident = sandbox.resident('bob');
      resident.watch(desk.address);
      const toldAs = (status: string): Promise<unknown> =>
        desk.coming('NOTIFY', ({ request: { body } }) => {
          const info = readWatcherInfo(body);
          const watchers = 'fault' in info ? [] : info.lists.flatMap((list) => list.watchers);
          return watchers.some((one) => one.uri === 'sip:bob@sip.sandbox' && one.status === status);
        });
      await toldAs('pending');
      expect(resident.maySee(desk.address)).toBe(false);
      sandbox.admit('alice', bob);
      await toldAs('active');
      expect(resident.maySee(desk.address)).toBe(true);
      expect(answered(await desk.ask('SUBSCRIBE', bob, { headers })).response.status).toBe(403);
    });
  });

  it('is asked of the account’s own phone where it knows best', async () => {
    await using({ presence: 'phones' }, async (sandbox, desk) => {
      const resident = sandbox.resident('bob');
      resident.watch(desk.address);
      await desk.register();
      const asked = await desk.coming('SUBSCRIBE');
      const contact = desk.contact(asked.flow);
      const accepted = asked.respond(202, { headers: { expires: '600', contact } });
      const dialog = Dialog.fromUas(asked.request, accepted);
      const notify = async (state: string, body: Buffer = Buffer.alloc(0)): Promise<void> => {
        const fields = { event: 'presence', 'subscription-state': state, contact };
        const request = dialog?.next('NOTIFY', { headers: { ...fields, 'content-type': pidfType }, body });
        if (request === undefined) throw new Error('no dialog');
        const told = await desk.stack.request({ request, hops: [asked.flow] });
        expect(answered(told).response.status).toBe(200);
      };
      await notify('pending;expires=600');
      expect(resident.maySee(desk.address)).toBe(false);
      await notify('active;expires=600', published('here'));
      expect(resident.maySee(desk.address)).toBe(true);
      expect(resident.sees(desk.address)).toMatchObject({ note: 'here' });
    });
  });
});

describeWithPeers('over TLS', [openssl], () => {
  it('everything is as it is elsewhere', async () => {
    using scratch = scratchDirectory('sandbox-sip-tls');
    const authority = await makeAuthority(scratch.path);
    const { certificateFile, keyFile } = await authority.issue('server', ['sip.sandbox', '127.0.0.1']);
    const tls = {
      certificate: readFileSync(certificateFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
    };
    await using(
      { tls },
      async (sandbox, desk) => {
        await desk.register();
        expect(await desk.say(bob, 'hello bob')).toBe(200);
        sandbox.resident('bob').say(desk.address, 'hello alice');
        expect((await desk.coming('MESSAGE')).request.body.toString()).toBe('hello alice');
      },
      { transport: 'tls' },
    );
  });
});
