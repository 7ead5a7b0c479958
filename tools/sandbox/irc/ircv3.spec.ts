/* What no Debian server offers, against the sentences of the IRCv3 texts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSandboxIrc, type SandboxIrc } from '#sandbox';
import { register, type RawClient } from './raw-client.fixture.js';

const password = 'tulip-tree';
let sandbox: SandboxIrc;
const open: RawClient[] = [];
let made = 0;
beforeAll(async () => {
  sandbox = await startSandboxIrc({
    accounts: [{ name: 'alice', password }],
    multiline: { maxBytes: 100, maxLines: 4 },
    tokens: { WATCH: 128, CHATHISTORY: 5 },
  });
});
afterAll(async () => {
  for (const client of open) await client[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

const next = (name: string): string => name + String(++made);
const modern = ['batch', 'message-tags', 'server-time', 'echo-message', 'labeled-response'];

async function person(name: string, ...caps: readonly string[]): Promise<RawClient & { nick: string }> {
  const nick = next(name);
  const client = await register(sandbox.port, nick, caps);
  open.push(client);
  return Object.assign(client, { nick });
}

async function idOf(client: RawClient, line: string): Promise<string> {
  const [, id = ''] = /msgid=([^; ]+)/.exec(await client.ask(line, /msgid=/)) ?? [];
  return id;
}

/** The texts in a playback. */
function texts(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => / (?:PRIVMSG|NOTICE) \S+ :(.*)$/.exec(line)?.[1] ?? []);
}

describe('draft/chathistory', () => {
  it('answers each question with a batch, oldest first', async () => {
    const room = next('#past');
    const alice = await person('alice', ...modern, 'draft/chathistory');
    await alice.all(`JOIN ${room}`);
    const ids: string[] = [];
    for (const word of ['one', 'two', 'three', 'four', 'five', 'six']) {
      ids.push(await idOf(alice, `PRIVMSG ${room} :${word}`));
    }
    const ask = async (question: string): Promise<readonly string[]> => {
      const lines = await alice.all(`CHATHISTORY ${question}`);
      const [, ref = ''] = / BATCH \+(\S+) chathistory (\S+)$/.exec(lines[0] ?? '') ?? [];
      expect(lines[0]?.endsWith(` chathistory ${room}`)).toBe(true);
      expect(lines.at(-1)).toMatch(new RegExp(` BATCH -${ref}$`));
      expect(lines.slice(1, -1).every((line) => line.includes(`batch=${ref}`))).toBe(true);
      return texts(lines);
    };
    expect(await ask(`LATEST ${room} * 2`)).toEqual(['five', 'six']);
    expect(await ask(`LATEST ${room} * 50`)).toEqual(['two', 'three', 'four', 'five', 'six']);
    expect(await ask(`LATEST ${room} msgid=${ids[3] ?? ''} 50`)).toEqual(['five', 'six']);
    expect(await ask(`BEFORE ${room} msgid=${ids[3] ?? ''} 2`)).toEqual(['two', 'three']);
    expect(await ask(`AFTER ${room} msgid=${ids[1] ?? ''} 2`)).toEqual(['three', 'four']);
    expect(await ask(`AROUND ${room} msgid=${ids[2] ?? ''} 3`)).toEqual(['two', 'three', 'four']);
    expect(await ask(`BETWEEN ${room} msgid=${ids[0] ?? ''} msgid=${ids[5] ?? ''} 2`)).toEqual([
      'two',
      'three',
    ]);
    expect(await ask(`BETWEEN ${room} msgid=${ids[5] ?? ''} msgid=${ids[0] ?? ''} 2`)).toEqual([
      'four',
      'five',
    ]);
    expect(await ask(`AFTER ${room} timestamp=2001-01-01T00:00:00.000Z 1`)).toEqual(['one']);
    expect(await ask(`BEFORE ${room} timestamp=2001-01-01T00:00:00.000Z 1`)).toEqual([]);
  });

  it('shows private talk to the two who had it, and lists with whom there was any', async () => {
    const [alice, bob] = [await person('alice', ...modern, 'draft/chathistory'), await person('bob')];
    bob.send(`PRIVMSG ${alice.nick} :psst`);
    await alice.waitFor(/:psst$/);
    await idOf(alice, `PRIVMSG ${bob.nick} :what`);
    expect(texts(await alice.all(`CHATHISTORY LATEST ${bob.nick} * 5`))).toEqual(['psst', 'what']);
    const carol = await person('carol', ...modern, 'draft/chathistory');
    expect(texts(await carol.all(`CHATHISTORY LATEST ${bob.nick} * 5`))).toEqual([]);
    const span = 'timestamp=2001-01-01T00:00:00.000Z timestamp=2099-01-01T00:00:00.000Z';
    const listed = await alice.all(`CHATHISTORY TARGETS ${span} 50`);
    expect(listed[0]).toMatch(/ BATCH \+\S+ draft\/chathistory-targets$/);
    expect(listed[1]).toMatch(new RegExp(` CHATHISTORY TARGETS ${bob.nick} \\d{4}-\\S+Z$`));
  });

  it('says what is wrong with a question', async () => {
    const alice = await person('alice', ...modern, 'draft/chathistory');
    const room = next('#past');
    await alice.all(`JOIN ${room}`);
    const fails = [
      ['CHATHISTORY NEWEST #x * 5', /FAIL CHATHISTORY INVALID_PARAMS NEWEST :/],
      [`CHATHISTORY LATEST ${room}`, /FAIL CHATHISTORY INVALID_PARAMS LATEST :/],
      [`CHATHISTORY LATEST ${room} yesterday 5`, /FAIL CHATHISTORY INVALID_PARAMS LATEST yesterday :/],
      ['CHATHISTORY LATEST #elsewhere * 5', /FAIL CHATHISTORY INVALID_TARGET LATEST #elsewhere :/],
      [`CHATHISTORY BEFORE ${room} msgid=nobody-knows 5`, /FAIL CHATHISTORY MESSAGE_ERROR BEFORE \S+ :/],
    ] as const;
    for (const [question, answer] of fails) expect(await alice.ask(question, / FAIL /)).toMatch(answer);
  });

  it('plays events back to those who asked for them only', async () => {
    const room = next('#past');
    const caps = [...modern, 'draft/chathistory'];
    const alice = await person('alice', ...caps);
    await alice.all(`JOIN ${room}`, `TOPIC ${room} :new`, `PRIVMSG ${room} :said`);
    const bob = await person('bob', ...caps, 'draft/event-playback');
    await bob.all(`JOIN ${room}`);
    const verbs = async (client: RawClient): Promise<readonly string[]> =>
      (await client.all(`CHATHISTORY LATEST ${room} * 5`)).map(
        (line) => / ([A-Z]{4,}) /.exec(line)?.[1] ?? '',
      );
    expect(await verbs(alice)).toEqual(['BATCH', 'PRIVMSG', 'BATCH']);
    expect(await verbs(bob)).toEqual(['BATCH', 'JOIN', 'TOPIC', 'PRIVMSG', 'JOIN', 'BATCH']);
  });
});

describe('draft/message-redaction', () => {
  it('takes back, tells those who know how, and forgets', async () => {
    const room = next('#gone');
    const caps = [...modern, 'draft/chathistory', 'draft/message-redaction'];
    const [alice, bob, carol] = [
      await person('alice', ...caps),
      await person('bob', ...caps),
      await person('carol'),
    ];
    for (const one of [alice, bob, carol]) await one.all(`JOIN ${room}`);
    const id = await idOf(bob, `PRIVMSG ${room} :oops`);
    expect(await bob.ask(`REDACT ${room} ${id} :typo`, / REDACT /)).toMatch(
      new RegExp(` REDACT ${room} ${id} typo$`),
    );
    expect(await alice.waitFor(/ REDACT /)).toMatch(
      new RegExp(`:${bob.nick}!\\S+ REDACT ${room} ${id} typo$`),
    );
    expect((await carol.all()).some((line) => line.includes('REDACT'))).toBe(false);
    expect(texts(await alice.all(`CHATHISTORY LATEST ${room} * 5`))).toEqual([]);
    expect(await bob.ask(`REDACT ${room} ${id}`, / FAIL /)).toMatch(/ FAIL REDACT UNKNOWN_MSGID \S+ \S+ :/);
    const hers = await idOf(alice, `PRIVMSG ${room} :hers`);
    expect(await bob.ask(`REDACT ${room} ${hers}`, / FAIL /)).toMatch(
      / FAIL REDACT REDACT_FORBIDDEN \S+ \S+ :/,
    );
    expect(await bob.ask('REDACT #nowhere x', / FAIL /)).toMatch(/ FAIL REDACT /);
  });
});

describe('draft/read-marker', () => {
  it('keeps a mark that only grows, tells the other clients of the account, and shows it on JOIN', async () => {
    const account = { name: 'alice', password };
    const caps = ['draft/read-marker', 'server-time'];
    const [one, two] = [
      await register(sandbox.port, next('alice'), caps, account),
      await register(sandbox.port, next('alice'), caps, account),
    ];
    open.push(one, two);
    expect(await one.ask('MARKREAD bob', / MARKREAD /)).toMatch(/ MARKREAD bob \*$/);
    const late = 'timestamp=2026-01-02T00:00:00.000Z';
    expect(await one.ask(`MARKREAD bob ${late}`, / MARKREAD /)).toMatch(new RegExp(` MARKREAD bob ${late}$`));
    expect(await two.waitFor(/ MARKREAD /)).toMatch(new RegExp(` MARKREAD bob ${late}$`));
    expect(await two.ask('MARKREAD bob timestamp=2026-01-01T00:00:00.000Z', / MARKREAD /)).toMatch(
      new RegExp(` MARKREAD bob ${late}$`),
    );
    expect(sandbox.readMark('alice', 'BOB')).toEqual(new Date('2026-01-02'));
    sandbox.moveReadMark('alice', 'bob', new Date('2026-01-03'));
    await one.waitFor(/ MARKREAD bob timestamp=2026-01-03T/);
    const joined = await one.all('JOIN #marked');
    const order = ['JOIN', 'MARKREAD', '366'].map((word) =>
      joined.findIndex((line) => line.includes(` ${word} `)),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(joined.some((line) => / MARKREAD #marked \*$/.test(line))).toBe(true);
    expect(await one.ask('MARKREAD', / FAIL /)).toMatch(/ FAIL MARKREAD NEED_MORE_PARAMS :/);
    expect(await one.ask('MARKREAD bob noon', / FAIL /)).toMatch(/ FAIL MARKREAD INVALID_PARAMS noon :/);
  });
});

describe('draft/multiline', () => {
  const batch = (ref: string, target: string, ...lines: readonly string[]): readonly string[] => [
    `BATCH +${ref} draft/multiline ${target}`,
    ...lines.map((line) =>
      line.startsWith('+')
        ? `@batch=${ref};draft/multiline-concat ${line.slice(1)}`
        : `@batch=${ref} ${line}`,
    ),
    `BATCH -${ref}`,
  ];

  it('passes a message of several lines on as a batch, and line by line to those without', async () => {
    const room = next('#lines');
    const [alice, bob, carol] = [
      await person('alice', ...modern, 'draft/multiline'),
      await person('bob', ...modern, 'draft/multiline'),
      await person('carol', 'message-tags'),
    ];
    for (const one of [alice, bob, carol]) await one.all(`JOIN ${room}`);
    const [opening = '', ...rest] = batch(
      '1',
      room,
      `PRIVMSG ${room} :hello`,
      `PRIVMSG ${room} :`,
      `PRIVMSG ${room} :how is `,
      `+PRIVMSG ${room} :everyone?`,
    );
    const echo = await alice.all(`@label=L ${opening}`, ...rest);
    expect(echo[0]).toMatch(/^@\S*\blabel=L\S* \S+ BATCH \+\S+ draft\/multiline #/);
    expect(echo[0]).toMatch(/msgid=/);
    expect(echo.slice(1).some((line) => /label=|msgid=/.test(line))).toBe(false);
    await bob.waitFor(/ BATCH -/);
    const heard = await bob.all();
    expect(heard).toEqual([]);
    expect(texts(bob.lines).slice(-4)).toEqual(['hello', '', 'how is ', 'everyone?']);
    expect(bob.lines.some((line) => /draft\/multiline-concat\S* \S+ PRIVMSG \S+ :everyone/.test(line))).toBe(
      true,
    );
    await carol.waitFor(/:everyone\?$/);
    expect(texts(carol.lines)).toEqual(['hello', 'how is ', 'everyone?']);
    expect(carol.lines.filter((line) => line.includes('msgid=')).length).toBe(1);
  });

  it('refuses what is too long, blank, mixed, or for another', async () => {
    const alice = await person('alice', ...modern, 'draft/multiline');
    const { nick } = await person('bob');
    const say = (text: string): string => `PRIVMSG ${nick} :${text}`;
    const cases = [
      [batch('a', nick, say('x'.repeat(101))), /FAIL BATCH MULTILINE_MAX_BYTES 100 :/],
      [
        batch('b', nick, say('1'), say('2'), say('3'), say('4'), say('5')),
        /FAIL BATCH MULTILINE_MAX_LINES 4 :/,
      ],
      [batch('c', nick, 'PRIVMSG other :x'), /FAIL BATCH MULTILINE_INVALID_TARGET \S+ other :/],
      [batch('d', nick, say(''), say('')), /FAIL BATCH MULTILINE_INVALID :/],
      [batch('e', nick, say('x'), `+${say('')}`), /FAIL BATCH MULTILINE_INVALID :/],
      [batch('f', nick, say('x'), `NOTICE ${nick} :y`), /FAIL BATCH MULTILINE_INVALID :/],
      [['BATCH +g draft/nonsense x'], /FAIL BATCH UNKNOWN_TYPE g draft\/nonsense :/],
    ] as const;
    for (const [lines, answer] of cases) {
      const told = await alice.all(...lines);
      expect(told.filter((line) => line.includes('FAIL'))).toEqual([expect.stringMatching(answer)]);
    }
  });
});

describe('people', () => {
  it('tells accounts, names, hosts and bots to those who asked', async () => {
    const room = next('#people');
    const caps = [
      'account-notify',
      'account-tag',
      'extended-join',
      'chghost',
      'setname',
      'message-tags',
      'away-notify',
    ];
    const [alice, bob] = [await person('alice', ...caps), await person('bob', ...caps)];
    await alice.all(`JOIN ${room}`);
    await bob.all(`JOIN ${room}`);
    expect(alice.lines.some((line) => line.endsWith(`JOIN ${room} * ${bob.nick}`))).toBe(true);
    sandbox.signIn(bob.nick, 'bobby');
    expect(await alice.waitFor(/ ACCOUNT /)).toMatch(
      new RegExp(`^@account=bobby :${bob.nick}!\\S+ ACCOUNT bobby$`),
    );
    bob.send('SETNAME :Bob the Builder');
    expect(await alice.waitFor(/ SETNAME /)).toMatch(/ SETNAME :Bob the Builder$/);
    sandbox.changeHost(bob.nick, 'builder', 'cloak.example.org');
    expect(await alice.waitFor(/ CHGHOST /)).toMatch(/ CHGHOST builder cloak\.example\.org$/);
    expect(await bob.waitFor(/ 396 /)).toContain('cloak.example.org');
    bob.send(`MODE ${bob.nick} +B`, `PRIVMSG ${room} :beep`);
    expect(await alice.waitFor(/:beep$/)).toMatch(
      /^@(?=\S*bot)(?=\S*account=bobby)\S* :\S+!builder@cloak\.example\.org /,
    );
    expect(await alice.ask(`WHOIS ${bob.nick}`, / 335 /)).toMatch(/ 335 \S+ \S+ :?is a bot/);
    expect(await alice.ask(`WHO ${room} %nat,42`, new RegExp(` 354 \\S+ 42 ${bob.nick} `))).toMatch(
      / 42 \S+ bobby$/,
    );
    expect(await alice.ask(`WHO ${bob.nick}`, / 352 /)).toMatch(/ HB :0 Bob the Builder$/);
  });

  it('shows a changed host to others as a coming back', async () => {
    const room = next('#people');
    const [alice, bob] = [await person('alice'), await person('bob')];
    await bob.all(`JOIN ${room}`);
    await alice.all(`JOIN ${room}`);
    sandbox.changeHost(bob.nick, 'b', 'c.example.org');
    await alice.waitFor(/ MODE \S+ \+o /);
    expect(alice.lines.slice(-3).map((line) => line.split(' ')[1])).toEqual(['QUIT', 'JOIN', 'MODE']);
  });

  it('watches by WATCH and, with extended-monitor, tells more than comings and goings', async () => {
    const [alice, bob] = [await person('alice', 'extended-monitor', 'away-notify'), await person('bob')];
    expect(await alice.ask(`WATCH +${bob.nick} +nobody78`, / 604 /)).toContain(bob.nick);
    expect(await alice.waitFor(/ 605 /)).toContain('nobody78');
    await alice.all(`MONITOR + ${bob.nick}`);
    bob.send('AWAY :gone');
    expect(await alice.waitFor(/ AWAY /)).toMatch(/ AWAY :gone$/);
    bob.send('QUIT');
    expect(await alice.waitFor(/ 601 /)).toContain(bob.nick);
    const many = Array.from({ length: 101 }, (_, i) => `p${String(i)}`);
    expect(await alice.ask(`MONITOR + ${many.slice(0, 60).join(',')}`, / 731 /)).toBeDefined();
    expect(await alice.ask(`MONITOR + ${many.slice(60).join(',')}`, / 734 /)).toMatch(
      / 734 \S+ 100 p99,p100 :/,
    );
  });

  it('lists channels by size, mask and topic, and takes knocks', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')];
    const [big, small] = [next('#list-big'), next('#list-small')];
    await alice.all(`JOIN ${big}`, `JOIN ${small}`, `TOPIC ${big} :all about lists`);
    await bob.all(`JOIN ${big}`);
    const named = (lines: readonly string[]): readonly string[] =>
      lines.flatMap((line) => / 322 \S+ (#list-\S+) /.exec(line)?.[1] ?? []);
    expect(named(await bob.all('LIST #list-*'))).toEqual([big, small]);
    expect(named(await bob.all('LIST >1,#list-*'))).toEqual([big]);
    expect(named(await bob.all('LIST #list-*,!*big*'))).toEqual([small]);
    expect((await bob.all(`LIST ${big}`)).join(' ')).toMatch(/ 322 \S+ \S+ 2 :all about lists/);
    await alice.all(`MODE ${small} +i`);
    expect(await bob.ask(`KNOCK ${small} :please`, / 711 /)).toContain(small);
    expect(await alice.waitFor(/ 710 /)).toMatch(new RegExp(` 710 \\S+ ${small} ${bob.nick}!\\S+ please$`));
    expect(await bob.ask(`KNOCK ${big}`, / 714 /)).toContain(big);
  });
});
