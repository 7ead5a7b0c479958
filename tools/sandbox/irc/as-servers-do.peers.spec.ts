/* The same sentences on the sandbox and on InspIRCd, heard by the plainest client: what holds on one holds on the other. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithPeers, inspircdPeers, plainClient, startInspircd, type PlainClient } from '#peers';
import { startSandboxIrc } from '#sandbox';

interface Subject extends AsyncDisposable {
  readonly port: number;
}

describe('the sandbox', () => {
  behavesAsServersDo(async () => {
    const sandbox = await startSandboxIrc();
    return { port: sandbox.port, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
  });
});

describeWithPeers('InspIRCd', inspircdPeers, () => {
  behavesAsServersDo(async () => {
    const server = await startInspircd({ hurried: true });
    return { port: server.ports.plain, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  });
});

function behavesAsServersDo(start: () => Promise<Subject>): void {
  let subject: Subject;
  const open: PlainClient[] = [];
  let made = 0;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(async () => {
    for (const client of open) await client[Symbol.asyncDispose]();
    await subject[Symbol.asyncDispose]();
  });

  /** Somebody with these capabilities. */
  const somebody = async (...caps: readonly string[]): Promise<PlainClient> => {
    const client = await plainClient({ port: subject.port, nick: `nick${String(++made)}` });
    open.push(client);
    if (caps.length > 0) {
      client.send(`CAP REQ :${caps.join(' ')}`);
      await client.waitFor(/^:\S+ CAP \S+ ACK /);
    }
    return client;
  };
  const room = (): string => `#room${String(++made)}`;
  const heardAfter = async (client: PlainClient, line: string, pattern: RegExp): Promise<string> => {
    const after = client.lines.length;
    client.send(line);
    return client.waitFor(pattern, { after });
  };

  it('welcomes with 001 and says in 005 what it supports', async () => {
    const alice = await somebody();
    await alice.waitFor(/^:\S+ (?:376|422) /);
    const told = alice.lines.filter((line) => / 005 /.test(line)).join(' ');
    for (const token of ['CASEMAPPING=', 'CHANTYPES=', 'PREFIX=', 'MONITOR=', 'NICKLEN=', 'CHANMODES=']) {
      expect(told).toContain(token);
    }
  });

  it('answers PING, and an unknown command with 421', async () => {
    const alice = await somebody();
    expect(await heardAfter(alice, 'PING :some token', / PONG /)).toMatch(/^:\S+ PONG \S+ :?some token$/);
    expect(await heardAfter(alice, 'NONSENSE x', / 421 /)).toMatch(/^:\S+ 421 \S+ NONSENSE :/);
  });

  it('refuses a nick that is taken, in any case, and names that are none', async () => {
    const [alice, bob] = [await somebody(), await somebody()];
    expect(await heardAfter(bob, `NICK ${alice.nick.toUpperCase()}`, / 433 /)).toMatch(
      /^:\S+ 433 \S+ NICK\d+ :/,
    );
    expect(await heardAfter(bob, 'NICK 7of9', / 432 /)).toMatch(/^:\S+ 432 \S+ 7of9 :/);
  });

  it('passes on what is said in a room and in private, and not to the speaker', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    await bob.join(place);
    await alice.waitFor(new RegExp(`^:${bob.nick}!\\S+ JOIN :?${place}$`));
    alice.say(place, 'hello all');
    alice.say(bob.nick, 'hello you');
    await bob.waitFor(/ PRIVMSG \S+ :hello you$/);
    expect(bob.heard(alice.nick, place)).toEqual(['hello all']);
    await heardAfter(alice, 'PING :1', / PONG /);
    expect(alice.heard(alice.nick, place)).toEqual([]);
  });

  it('says who is there, and makes the first one operator', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    await bob.join(place);
    const names = await heardAfter(bob, `NAMES ${place}`, / 353 /);
    expect(names.split(' :').at(-1)?.split(' ').sort()).toEqual([`@${alice.nick}`, bob.nick].sort());
  });

  it('refuses with the numerics of the RFC', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    expect(await heardAfter(bob, `PRIVMSG ${place} :x`, / 404 /)).toMatch(new RegExp(` 404 \\S+ ${place} :`));
    expect(await heardAfter(bob, 'PRIVMSG nobody12 :x', / 401 /)).toMatch(/ 401 \S+ nobody12 :/);
    expect(await heardAfter(bob, `PART ${place}`, / 442 /)).toMatch(new RegExp(` 442 \\S+ ${place} :`));
    await bob.join(place);
    expect(await heardAfter(bob, `KICK ${place} ${alice.nick}`, / 482 /)).toMatch(
      new RegExp(` 482 \\S+ ${place} :`),
    );
    expect(await heardAfter(bob, `TOPIC ${place} :x`, / 482 /)).toMatch(new RegExp(` 482 \\S+ ${place} :`));
    for (const [mode, numeric] of [
      ['+i', '473'],
      ['-i+k secret', '475'],
      ['-k+l secret 1', '471'],
      ['-l+b *!*@*', '474'],
    ] as const) {
      const after = alice.lines.length;
      if (mode === '+i') bob.send(`PART ${place}`);
      alice.send(`MODE ${place} ${mode}`);
      await alice.waitFor(/ MODE /, { after });
      expect(await heardAfter(bob, `JOIN ${place}`, new RegExp(` ${numeric} `))).toContain(place);
    }
  });

  it('kicks with the reason, changes topics and modes, and tells everybody', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    await bob.join(place);
    expect(await heardAfter(alice, `TOPIC ${place} :of the day`, / TOPIC /)).toMatch(
      /^:\S+!\S+ TOPIC \S+ :of the day$/,
    );
    expect(await heardAfter(bob, `TOPIC ${place}`, / 333 /)).toMatch(/ 333 \S+ \S+ \S+ :?\d+$/);
    alice.send(`MODE ${place} +v ${bob.nick}`);
    expect(await bob.waitFor(/ MODE \S+ \+v/)).toMatch(new RegExp(` MODE ${place} \\+v :?${bob.nick}$`));
    alice.send(`KICK ${place} ${bob.nick} :enough now`);
    expect(await bob.waitFor(/ KICK /)).toMatch(new RegExp(` KICK ${place} ${bob.nick} :enough now$`));
  });

  it('lets in whoever is invited, and tells them', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    await heardAfter(alice, `MODE ${place} +i`, / MODE /);
    expect(await heardAfter(alice, `INVITE ${bob.nick} ${place}`, / 341 /)).toContain(place);
    expect(await bob.waitFor(/ INVITE /)).toMatch(
      new RegExp(`^:${alice.nick}!\\S+ INVITE ${bob.nick} :?${place}$`),
    );
    await bob.join(place);
  });

  it('tells renames and departures to those who share a room', async () => {
    const [alice, bob, place] = [await somebody(), await somebody(), room()];
    await alice.join(place);
    await bob.join(place);
    bob.send(`NICK ${bob.nick}x`);
    await alice.waitFor(new RegExp(`^:${bob.nick}!\\S+ NICK :?${bob.nick}x$`));
    bob.send('QUIT :off I go');
    expect(await alice.waitFor(/ QUIT /)).toMatch(new RegExp(`^:${bob.nick}x!\\S+ QUIT :Quit: off I go$`));
  });

  it('watches nicks by MONITOR, and answers ISON', async () => {
    const [alice, bob] = [await somebody(), await somebody()];
    expect(await heardAfter(alice, `MONITOR + ${bob.nick},nobody34`, / 730 /)).toMatch(
      new RegExp(` 730 \\S+ :${bob.nick}`),
    );
    expect(await alice.waitFor(/ 731 /)).toMatch(/ 731 \S+ :nobody34$/);
    expect(await heardAfter(alice, `ISON ${bob.nick} nobody34`, / 303 /)).toMatch(
      new RegExp(` :${bob.nick} ?$`),
    );
    const after = alice.lines.length;
    bob.send('QUIT');
    expect(await alice.waitFor(/ 731 /, { after })).toContain(bob.nick);
    expect(await heardAfter(alice, 'MONITOR L', / 733 /)).toBeDefined();
    expect(alice.lines.some((line) => / 732 \S+ :\S*nobody34/.test(line))).toBe(true);
  });

  it('says that somebody is away: to the speaker, and to neighbours who asked for away-notify', async () => {
    const [alice, bob, place] = [await somebody('away-notify'), await somebody(), room()];
    await alice.join(place);
    await bob.join(place);
    expect(await heardAfter(bob, 'AWAY :at lunch', / 306 /)).toBeDefined();
    expect(await alice.waitFor(/ AWAY /)).toMatch(new RegExp(`^:${bob.nick}!\\S+ AWAY :at lunch$`));
    expect(await heardAfter(alice, `PRIVMSG ${bob.nick} :there?`, / 301 /)).toMatch(
      / 301 \S+ \S+ :at lunch$/,
    );
    bob.send('AWAY');
    await alice.waitFor(/^:\S+ AWAY$/);
  });

  it('lists capabilities with values to those who know 302, and takes or refuses a request as a whole', async () => {
    const alice = await somebody();
    await heardAfter(alice, 'CAP LS 302', / CAP \S+ LS :/);
    const offered = alice.lines.flatMap(
      (line) => / CAP \S+ LS (?:\* )?:(.*)$/.exec(line)?.[1]?.split(' ') ?? [],
    );
    for (const cap of ['batch', 'message-tags', 'labeled-response', 'echo-message', 'server-time']) {
      expect(offered).toContain(cap);
    }
    expect(await heardAfter(alice, 'CAP REQ :batch nonsense/cap', / NAK /)).toMatch(
      / NAK :batch nonsense\/cap ?$/,
    );
    expect(await heardAfter(alice, 'CAP LIST', / LIST /)).not.toContain('batch');
  });

  it('answers under the label: an echo, a refusal, a batch, or ACK', async () => {
    const alice = await somebody('batch', 'labeled-response', 'message-tags', 'echo-message');
    const bob = await somebody();
    const echo = await heardAfter(alice, `@label=one PRIVMSG ${bob.nick} :hi`, / PRIVMSG /);
    expect(echo).toMatch(/^@\S*\blabel=one\b/);
    expect(echo).toMatch(/\bmsgid=/);
    expect(await heardAfter(alice, '@label=two PRIVMSG nobody56 :hi', / 401 /)).toMatch(/^@\S*\blabel=two\b/);
    const opened = await heardAfter(alice, `@label=three WHOIS ${bob.nick}`, / BATCH \+/);
    const [, ref = ''] = /^@\S*\blabel=three\S* \S+ BATCH \+(\S+) :?labeled-response$/.exec(opened) ?? [];
    expect(ref).not.toBe('');
    await alice.waitFor(new RegExp(` BATCH :?-${ref}$`));
    expect(
      alice.lines.filter((line) => new RegExp(`^@\\S*batch=${ref}[; ]`).test(line)).length,
    ).toBeGreaterThan(2);
    expect(await heardAfter(alice, '@label=four PONG x', / ACK$/)).toMatch(/^@\S*\blabel=four\b/);
  });

  it('labels only the echo of what somebody says to themselves', async () => {
    const alice = await somebody('batch', 'labeled-response', 'message-tags', 'echo-message');
    alice.send(`@label=me PRIVMSG ${alice.nick} :note`);
    await heardAfter(alice, 'PING :2', / PONG /);
    const heard = alice.lines.filter((line) => line.endsWith(':note'));
    expect(heard.map((line) => /\blabel=/.test(line)).sort()).toEqual([false, true]);
  });

  it('relays client-only tags and TAGMSG, to those who know tags', async () => {
    const [alice, bob, carol] = [
      await somebody('message-tags'),
      await somebody('message-tags'),
      await somebody(),
    ];
    const place = room();
    for (const one of [alice, bob, carol]) await one.join(place);
    alice.send(`@+draft/reply=xyz;notmine=1 PRIVMSG ${place} :tagged`);
    const tagged = await bob.waitFor(/:tagged$/);
    expect(tagged).toMatch(/^@\S*\+draft\/reply=xyz/);
    expect(tagged).not.toContain('notmine');
    alice.send(`@+typing=active TAGMSG ${place}`);
    expect(await bob.waitFor(/ TAGMSG /)).toMatch(/^@\S*\+typing=active/);
    await heardAfter(carol, 'PING :3', / PONG /);
    expect(await carol.waitFor(/:tagged$/)).toMatch(/^:/);
    expect(carol.lines.some((line) => line.includes('TAGMSG'))).toBe(false);
  });

  it('shows several prefixes and whole masks to those who asked', async () => {
    const alice = await somebody('multi-prefix', 'userhost-in-names');
    const place = room();
    await alice.join(place);
    await heardAfter(alice, `MODE ${place} +v ${alice.nick}`, / MODE /);
    expect(await heardAfter(alice, `NAMES ${place}`, / 353 /)).toMatch(
      new RegExp(` :@\\+${alice.nick}!\\S+@\\S+ ?$`),
    );
  });

  it('tells those above a rank what is said to it', async () => {
    const [alice, bob, carol] = [await somebody(), await somebody(), await somebody()];
    const place = room();
    for (const one of [alice, bob, carol]) await one.join(place);
    bob.say(`@${place}`, 'to you above');
    expect(await alice.waitFor(/:to you above$/)).toContain(` PRIVMSG @${place} `);
    await heardAfter(carol, 'PING :4', / PONG /);
    expect(carol.lines.some((line) => line.includes('to you above'))).toBe(false);
  });
}
