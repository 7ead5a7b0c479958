/* What the sandbox does wrong when it is told to, and the calls of its residents. */
import { describe, expect, it } from '@jest/globals';
import { Dialog, parseRetryAfter, requestOf } from '#protocols/sip';
import { startSandboxSip, type SandboxSip, type SandboxSipOptions, type SandboxSipResident } from '#sandbox';
import { until } from '../until.js';
import { answered, Desk } from './desk.fixture.js';
import { headersOf, uriOf } from './requests.js';

const accounts = [{ user: 'alice', password: 'tulip' }];
/** Retransmissions as often as a test can afford, T2 between two, and the last after 64 times T1, which is long. */
const brisk = { timers: { t1: 200, t2: 50 } };
const bob = 'bob@sip.sandbox';
const carol = 'carol@sip.sandbox';

async function using(
  options: SandboxSipOptions,
  test: (sandbox: SandboxSip, desk: Desk) => Promise<void>,
  how: ConstructorParameters<typeof Desk>[1] = {},
): Promise<void> {
  await using sandbox = await startSandboxSip({ accounts, ...options });
  await using desk = new Desk(sandbox, how);
  await test(sandbox, desk);
}

describe('a way that is bad', () => {
  it('loses one packet in three, and all that is said arrives once', async () => {
    await using(
      brisk,
      async (sandbox, desk) => {
        await desk.register();
        sandbox.misbehave({ loses: { of: 3, seed: 7 } });
        const texts = Array.from({ length: 20 }, (_, number) => `message ${String(number)}`);
        const statuses = await Promise.all(texts.map((text) => desk.say(bob, text)));
        expect(statuses).toEqual(texts.map(() => 200));
        const heard = sandbox.resident('bob').heard();
        expect(heard.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
        for (const text of texts) sandbox.resident('bob').say(desk.address, text);
        await until('all are taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
        expect([...desk.texts].toSorted()).toEqual(texts.toSorted());
        // 40 requests and as many answers, and what had to be said again.
        expect(sandbox.lost).toBeGreaterThan(20);
      },
      brisk,
    );
  });

  it('brings every packet twice, with nonsense before it, and does no harm', async () => {
    await using({}, async (sandbox, desk) => {
      sandbox.misbehave({ repeats: true, garbage: true });
      await desk.register();
      sandbox.resident('bob').say(desk.address, 'hello');
      await until('it is taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
      expect(await desk.say(bob, 'hello')).toBe(200);
      expect(desk.texts).toEqual(['hello']);
    });
  });

  it.each([{ splits: true }, { slow: 5_000 }])('cuts a stream into crumbs: %j', async (mischief) => {
    await using(
      {},
      async (sandbox, desk) => {
        await desk.register();
        sandbox.misbehave(mischief);
        sandbox.resident('bob').say(desk.address, 'hello');
        await until('it is taken', () => (sandbox.undelivered('alice') === 0 ? true : undefined));
        expect(desk.texts).toEqual(['hello']);
      },
      { transport: 'tcp' },
    );
  });

  it('lets nothing pass, and everything again', async () => {
    await using(
      brisk,
      async (sandbox, desk) => {
        await desk.register();
        sandbox.misbehave({ holds: true });
        const answer = await desk.ask('MESSAGE', bob, { body: 'hello', timeoutMs: 100 });
        expect(answer).toMatchObject({ answer: 'none', why: 'timeout' });
        sandbox.misbehave({});
        expect(await desk.say(bob, 'hello')).toBe(200);
      },
      brisk,
    );
  });

  it('is cut, and stands again when the server does, on the same ports', async () => {
    await using(
      {},
      async (sandbox, desk) => {
        await desk.register();
        const { port } = sandbox;
        await sandbox.stop();
        expect(await desk.ask('MESSAGE', bob, { body: 'hello' })).toMatchObject({ answer: 'none' });
        await sandbox.start();
        expect(sandbox.port).toBe(port);
        expect(sandbox.contactsOf('alice')).toEqual([]);
        expect((await desk.register()).response.status).toBe(200);
      },
      { transport: 'tcp' },
    );
  });
});

describe('a server that is bad', () => {
  it('delivers everything twice, as to somebody on two transports', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      sandbox.misbehave({ doubles: true });
      sandbox.resident('bob').say(desk.address, 'hello');
      await until('both came', () => (desk.texts.length === 2 ? true : undefined));
      const [one, other] = desk.came.map(({ request: { headers } }) => headers);
      expect(one?.get('call-id')).toBe(other?.get('call-id'));
      expect(one?.get('via')).not.toBe(other?.get('via'));
    });
  });

  it('refuses, and says when to come back', async () => {
    await using({}, async (sandbox, desk) => {
      sandbox.misbehave({ refusesRegistration: { status: 503, retryAfter: 7 } });
      const { response } = await desk.register();
      expect([response.status, parseRetryAfter(response.headers.get('retry-after'))]).toEqual([503, 7]);
      sandbox.misbehave({ refuses: { status: 503 } });
      expect((await desk.register()).response.status).toBe(200);
      expect(await desk.say(bob, 'hello')).toBe(503);
    });
  });

  it('takes a nonce once', async () => {
    await using({}, async (sandbox, desk) => {
      sandbox.misbehave({ staleNonces: true });
      await desk.register();
      const asked = sandbox.requests.length;
      expect(await desk.say(bob, 'one')).toBe(200);
      expect(await desk.say(bob, 'two')).toBe(200);
      // Each was challenged anew.
      expect(sandbox.requests.length - asked).toBe(4);
    });
  });

  it('says nothing', async () => {
    await using({}, async (sandbox, desk) => {
      sandbox.misbehave({ silent: true });
      const answer = await desk.ask('MESSAGE', bob, { body: 'hello', timeoutMs: 100 });
      expect(answer).toMatchObject({ answer: 'none', why: 'timeout' });
      expect(sandbox.requests.at(-1)?.method).toBe('MESSAGE');
    });
  });
});

describe('calls', () => {
  const sound = { 'content-type': 'application/sdp' };

  it('ring an account, and are given up, declined, or answered and ended', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      const resident = sandbox.resident('bob');
      resident.ring(desk.address);
      const first = await desk.coming('INVITE');
      first.respond(180);
      expect(resident.phone).toBe('calling');
      let isCancelled = false;
      first.cancelled = () => {
        isCancelled = true;
      };
      resident.hangUp();
      await until('it is given up', () => (isCancelled ? true : undefined));
      expect(resident.phone).toBe('idle');

      resident.ring(desk.address);
      const second = await desk.coming('INVITE', (one) => one !== first);
      second.respond(603);
      await until('bob knows', () => (resident.phone === 'idle' ? true : undefined));

      resident.ring(desk.address);
      const third = await desk.coming('INVITE', (one) => one !== first && one !== second);
      expect(third.request.body.toString()).toContain('m=audio');
      let isAcked = false;
      third.acked = () => {
        isAcked = true;
      };
      third.respond(200, {
        headers: { ...sound, contact: desk.contact(third.flow) },
        body: third.request.body,
      });
      await until('it is answered', () => (resident.phone === 'answered' && isAcked ? true : undefined));
      resident.hangUp();
      const bye = await desk.coming('BYE');
      bye.respond(200);
      expect(resident.phone).toBe('idle');
    });
  });

  it('ring nobody who is not there', async () => {
    await using sandbox = await startSandboxSip({ accounts });
    sandbox.resident('bob').ring('alice@sip.sandbox');
    expect(sandbox.resident('bob').phone).toBe('idle');
  });

  it('are placed between two phones by somebody who has none (RFC 3725 §4.1)', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      const [one, other] = [sandbox.resident('bob'), sandbox.resident('carol')];
      // The first phone is asked for an offer, the second answers it, and the answer goes back in the ACK.
      const [toBob, bobs] = await placed(desk, bob, undefined, one);
      const [toCarol, carols] = await placed(desk, carol, bobs.response.body, other);
      toCarol.ack(carols.response);
      toBob.ack(bobs.response, { headers: sound, body: carols.response.body });
      expect([one.phone, other.phone]).toEqual(['answered', 'answered']);
      for (const { request, response } of [bobs, carols]) {
        const dialog = Dialog.fromUac(request, response);
        if (dialog === undefined) throw new Error('no dialog');
        const ended = await desk.stack.request({ request: dialog.next('BYE'), hops: [desk.hop] });
        expect(answered(ended).response.status).toBe(200);
      }
      expect([one.phone, other.phone]).toEqual(['idle', 'idle']);
    });
  });

  it('find a phone busy, or not wanting them', async () => {
    await using({}, async (sandbox, desk) => {
      await desk.register();
      const resident = sandbox.resident('bob');
      const first = call(desk, bob);
      await until('it rings', () => (resident.phone === 'ringing' ? true : undefined));
      expect(answered(await call(desk, bob).answer).response.status).toBe(486);
      resident.hangUp();
      expect(answered(await first.answer).response.status).toBe(603);
      expect(resident.phone).toBe('idle');
      const given = call(desk, bob);
      await until('it rings again', () => (resident.phone === 'ringing' ? true : undefined));
      given.cancel();
      expect(answered(await given.answer).response.status).toBe(487);
      expect(resident.phone).toBe('idle');
    });
  });

  function call(desk: Desk, to: string, body?: Buffer): ReturnType<Desk['stack']['invite']> {
    const headers = headersOf('INVITE', desk.address, to, body && sound);
    return desk.stack.invite({
      request: (flow) => requestOf('INVITE', uriOf(to), headers.set('contact', desk.contact(flow)), body),
      hops: [desk.hop],
      credentials: desk.credentials,
    });
  }

  async function placed(desk: Desk, to: string, offer: Buffer | undefined, resident: SandboxSipResident) {
    const handle = call(desk, to, offer);
    await until('it rings', () => (resident.phone === 'ringing' ? true : undefined));
    resident.pickUp();
    const answer = answered(await handle.answer);
    expect(answer.response.status).toBe(200);
    expect(answer.response.body.toString()).toContain('m=audio');
    return [handle, answer] as const;
  }
});
