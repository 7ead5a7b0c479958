/* Real software as a client of the sandbox: ZNC negotiates, joins, keeps and relays, and finds nothing amiss. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPeers, plainClient, startZnc, znc, type Znc } from '#peers';
import { startSandboxIrc, type SandboxIrc } from '#sandbox';

describeWithPeers('ZNC on the sandbox', [znc], () => {
  let sandbox: SandboxIrc;
  let bouncer: Znc;
  beforeAll(async () => {
    sandbox = await startSandboxIrc();
    bouncer = await startZnc({ upstream: { port: sandbox.port }, users: ['alice'] });
    await sandbox.client('alice', 30_000);
  });
  afterAll(async () => {
    await bouncer[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  });

  it('negotiates capabilities and is welcomed', async () => {
    const hers = await sandbox.client('alice');
    expect(hers.lines.some((line) => line.startsWith('CAP LS'))).toBe(true);
    expect([...hers.caps]).toEqual(expect.arrayContaining(['server-time', 'away-notify', 'multi-prefix']));
  });

  it('carries talk both ways, and shows who is there', async () => {
    await using bob = await plainClient({ port: sandbox.port, nick: 'bob' });
    await bob.join('#lounge');
    await using alice = await plainClient({
      port: bouncer.port,
      nick: 'alice',
      password: bouncer.pass('alice'),
    });
    await alice.join('#lounge');
    expect(await alice.waitFor(/ 353 .* #lounge :/)).toContain('@bob');
    bob.say('#lounge', 'hello, größe 💬');
    await alice.waitFor(/:hello, größe 💬$/);
    alice.say('#lounge', 'hello bob');
    await bob.waitFor(/^:alice!\S+ PRIVMSG #lounge :hello bob$/);
    bob.send('TOPIC #lounge :through a bouncer');
    await alice.waitFor(/ TOPIC #lounge :?through a bouncer$/);
    sandbox.changeHost('bob', 'bobby', 'cloak.example.org');
    await alice.waitFor(/cloak\.example\.org/);
  });

  it('comes back by itself when its connection was cut', async () => {
    const before = sandbox.clients.length;
    (await sandbox.client('alice')).cut();
    await sandbox.comer(before + 1, 30_000);
    await sandbox.client('alice', 30_000);
  });
});
