/* What the sandbox does wrong when it is told to. */
import { describe, expect, it } from '@jest/globals';
import { plainClient } from '#peers';
import { allCaps as everything, startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';
import { RawClient, register } from './raw-client.fixture.js';
import { until } from '../until.js';

async function using(options: SandboxOptions, test: (sandbox: SandboxIrc) => Promise<void>): Promise<void> {
  await using sandbox = await startSandboxIrc(options);
  await test(sandbox);
}

describe('one connection', () => {
  it('is cut at once', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      (await sandbox.client('alice')).cut();
      await alice.gone();
      expect(alice.lines.some((line) => line.startsWith('ERROR'))).toBe(false);
    });
  });

  it('stays open with nobody reading or answering, until it is well again', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      const hers = await sandbox.client('alice');
      hers.halfOpen();
      const before = alice.lines.length;
      alice.send('PING :anybody');
      await using bob = await plainClient({ port: sandbox.port, nick: 'bob' });
      bob.say('alice', 'hello?');
      bob.send('PING :done');
      await bob.waitFor(/ PONG /);
      expect(alice.lines.length).toBe(before);
      expect(alice.isClosed).toBe(false);
      hers.usual();
      await alice.waitFor(/ PONG \S+ :?anybody/);
      await alice.waitFor(/:hello\?$/);
    });
  });

  it('gets its bytes one by one, or slowly', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      const hers = await sandbox.client('alice');
      hers.splitEveryByte();
      hers.say('NOTICE alice :größe 💬');
      await until('half a line', () => (alice.rest !== '' ? true : undefined));
      await alice.waitFor(/:größe 💬$/);
      hers.slow(1_000);
      const begun = Date.now();
      hers.say(`NOTICE alice :${'x'.repeat(200)} end`);
      await alice.waitFor(/ end$/);
      expect(Date.now() - begun).toBeGreaterThan(100);
    });
  });

  it('is told anything, and everything that it said is kept', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      const hers = await sandbox.client('alice');
      hers.say(':somebody!u@h PRIVMSG alice :as it is');
      hers.write(Buffer.from([0xff, 0x0d, 0x0a]));
      await alice.waitFor(/^:somebody!u@h PRIVMSG alice :as it is$/);
      alice.send('PRIVMSG bob :one', 'PRIVMSG bob :two');
      expect(await hers.waitFor(/two/)).toBe('PRIVMSG bob :two');
      expect(sandbox.log).toEqual(expect.arrayContaining(['NICK alice', 'PRIVMSG bob :one']));
    });
  });

  it('is answered by the test itself where that wants to', async () => {
    await using({}, async (sandbox) => {
      sandbox.intercept((line, client) => {
        if (!line.startsWith('JOIN ')) return false;
        client.say(`:irc.sandbox 437 ${client.nick} ${line.slice(5)} :Not now`);
        return true;
      });
      await using alice = await register(sandbox.port, 'alice');
      expect((await alice.all('JOIN #a')).map((line) => line.split(' ')[1])).toEqual(['437']);
      sandbox.intercept(undefined);
      expect((await alice.all('JOIN #a')).some((line) => line.includes(' JOIN '))).toBe(true);
    });
  });

  it('is killed, and told so', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      (await sandbox.client('alice')).kill('spam');
      expect(await alice.waitFor(/ KILL /)).toMatch(/ KILL alice /);
      expect(await alice.waitFor(/^ERROR /)).toContain('Killed (oper (spam))');
      await alice.gone();
    });
  });

  it('is ended for Excess Flood, or has its lines wait', async () => {
    await using({ flood: { burst: 10, perSecond: 1 } }, async ({ port }) => {
      await using alice = await register(port, 'alice');
      alice.send(...Array.from({ length: 20 }, (_, i) => `PRIVMSG bob :${String(i)}`));
      expect(await alice.waitFor(/^ERROR /)).toContain('Excess Flood');
      await alice.gone();
    });
    await using({ flood: { burst: 10, perSecond: 50, then: 'wait' } }, async ({ port }) => {
      await using alice = await register(port, 'alice');
      alice.send(...Array.from({ length: 30 }, (_, i) => `PING :${String(i)}`));
      await alice.waitFor(/ PONG \S+ :?29$/);
      expect(alice.lines.filter((line) => line.includes(' PONG ')).length).toBe(31);
    });
  });

  it('is asked whether it is there, and ended when it does not answer', async () => {
    await using({ pingEveryMs: 60 }, async ({ port }) => {
      await using alice = new RawClient(port);
      alice.send('NICK alice', 'USER alice 0 * :Alice');
      await alice.waitFor(/^PING /);
      expect(await alice.waitFor(/^ERROR /)).toContain('Ping timeout');
    });
  });
});

describe('the whole server', () => {
  it('sends everybody away, each time with the words that servers use', async () => {
    await using({}, async (sandbox) => {
      for (const [why, words] of [
        ['k-line', 'K-Lined'],
        ['throttle', 'reconnecting too fast|reconnect too fast'],
        ['full', 'No more connections'],
      ] as const) {
        sandbox.refuse(why);
        await using alice = new RawClient(sandbox.port);
        expect(await alice.waitFor(/^ERROR /)).toMatch(new RegExp(words));
        await alice.gone();
      }
      sandbox.refuse(undefined);
      await using bob = await plainClient({ port: sandbox.port, nick: 'bob' });
      expect(bob.isClosed).toBe(false);
    });
  });

  it('comes back on the same port with its history and accounts', async () => {
    await using({ accounts: [{ name: 'alice', password: 'tulip' }], autoHistory: 5 }, async (sandbox) => {
      const { port } = sandbox;
      await using alice = await register(port, 'alice');
      await alice.all('JOIN #old', 'PRIVMSG #old :remember me');
      await sandbox.restart();
      await alice.gone();
      expect(sandbox.port).toBe(port);
      await using again = await register(port, 'alice', ['batch'], { name: 'alice', password: 'tulip' });
      expect((await again.all('JOIN #old')).some((line) => line.endsWith(':remember me'))).toBe(true);
      await sandbox.stop();
      await using late = new RawClient(port);
      await late.gone();
    });
  });

  it('loses and finds a server of ten thousand, in one batch each', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice', ['batch', 'message-tags']);
      await alice.all('JOIN #crowd');
      sandbox.populate('#crowd', 10_000);
      await alice.waitFor(/:guest10000!\S+ JOIN #crowd$/);
      const before = alice.lines.length;
      sandbox.netsplit();
      const split = await alice.waitFor(/ BATCH -/, before);
      const lost = alice.lines.slice(before, alice.lines.indexOf(split));
      expect(lost[0]).toMatch(/ BATCH \+\S+ netsplit irc\.sandbox leaf\.sandbox$/);
      expect(lost.filter((line) => line.endsWith(' QUIT :irc.sandbox leaf.sandbox')).length).toBe(10_000);
      expect(sandbox.members('#crowd')).toEqual(['@alice']);
      const middle = alice.lines.length;
      sandbox.netjoin();
      await alice.waitFor(/ BATCH -/, middle);
      expect(alice.lines[middle]).toMatch(/ BATCH \+\S+ netjoin /);
      expect(sandbox.members('#crowd').length).toBe(10_001);
    });
  });

  it('forgets or doubles labels and echoes', async () => {
    await using({}, async (sandbox) => {
      const caps = ['batch', 'message-tags', 'labeled-response', 'echo-message'];
      await using alice = await register(sandbox.port, 'alice', caps);
      const said = async (): Promise<readonly string[]> =>
        alice.all('@label=x PRIVMSG alice_ :hi', '@label=y PRIVMSG #no :hi');
      await using bob = await register(sandbox.port, 'alice_');
      expect(bob.isClosed).toBe(false);
      expect((await said()).map((line) => /label=(\w)/.exec(line)?.[1])).toEqual(['x', 'y']);
      sandbox.misbehave({ dropEchoes: true });
      expect((await said()).map((line) => /label=(\w)/.exec(line)?.[1])).toEqual(['y']);
      sandbox.misbehave({ doubleEchoes: true });
      expect((await said()).filter((line) => line.endsWith(':hi')).length).toBe(2);
      sandbox.misbehave({ dropLabels: true });
      expect((await said()).some((line) => line.includes('label='))).toBe(false);
      sandbox.misbehave({ doubleLabels: true });
      expect((await said()).map((line) => /label=(\w)/.exec(line)?.[1])).toEqual(['x', 'x', 'y', 'y']);
    });
  });

  it('changes what it says of itself while it runs', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      sandbox.setTokens({ NICKLEN: 5, MONITOR: false });
      expect(await alice.waitFor(/ 005 .*NICKLEN=5 /)).toContain(' -MONITOR ');
      expect(await alice.ask('NICK alicealice', / 432 /)).toContain('alicealice');
      expect(await alice.ask('MONITOR L', / 421 /)).toContain('MONITOR');
    });
  });

  it('cuts lines that are too long for it, and refuses what is no UTF-8', async () => {
    await using({}, async (sandbox) => {
      await using alice = await register(sandbox.port, 'alice');
      await using bob = await register(sandbox.port, 'bob');
      expect(await alice.ask(`PRIVMSG bob :${'x'.repeat(600)}`, / 417 /)).toContain('too long');
      alice.send(`PRIVMSG bob :${'é'.repeat(240)}`);
      const heard = await bob.waitFor(/é/);
      expect(Buffer.byteLength(heard)).toBeLessThanOrEqual(510);
      expect(heard).toMatch(/é$/);
    });
  });
});

describe('any client', () => {
  it('may say anything, and the server answers the next one as before', async () => {
    await using(
      { accounts: [{ name: 'alice', password: 'tulip' }], tokens: { WATCH: 10 } },
      async (sandbox) => {
        let seed = 11;
        const random = (below: number): number => {
          seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
          return Math.floor((seed / 2 ** 32) * below);
        };
        const one = (list: readonly string[]): string => list[random(list.length)] ?? '';
        const verbs =
          'CAP AUTHENTICATE PASS NICK USER JOIN PART KICK INVITE KNOCK TOPIC NAMES MODE PRIVMSG NOTICE TAGMSG REDACT BATCH CHATHISTORY MARKREAD MONITOR WATCH ISON USERHOST AWAY SETNAME WHOIS WHOWAS WHO LIST'.split(
            ' ',
          );
        const words =
          '#a #b,#c @#a alice bob nobody +o-v+b +k ++-- * , : LS REQ LS\u0020302 END PLAIN SCRAM-SHA-256 = ==== bixh + - +1 -1 draft/multiline timestamp=x timestamp=2026-01-01T00:00:00.000Z msgid= msgid=x LATEST BETWEEN TARGETS 0 -5 99999999999 %tna,1 >1 <x C<9 !* NickServ IDENTIFY\u0020alice \u{1f4ac} $a:'.split(
            ' ',
          );
        for (let turn = 0; turn < 4; turn++) {
          await using client = await register(sandbox.port, 'alice', turn % 2 === 0 ? [...everything] : []);
          for (let i = 0; i < 800; i++) {
            const tags = random(4) === 0 ? `@label=${String(i)};batch=1;+draft/react=${one(words)} ` : '';
            client.send(
              tags + [one(verbs), ...Array.from({ length: random(5) }, () => one(words))].join(' '),
            );
          }
          client.send('QUIT');
          await client.gone();
        }
        await using bob = await register(sandbox.port, 'bobby');
        expect((await bob.all('JOIN #fresh')).some((line) => line.includes(' 366 '))).toBe(true);
      },
    );
  });
});
