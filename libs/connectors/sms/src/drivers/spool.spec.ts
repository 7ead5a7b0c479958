import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, stat, symlink, writeFile, appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ManualClock, until } from '#connector/testing';
import { failure, newId } from '#model';
import { toUcs2 } from '#protocols/smpp';
import { alice, bob, SpoolRig } from './spool.fixture.js';

const arrival = (serial: number, from: string = bob, part = 0): string =>
  `IN20260102_030405_${String(serial).padStart(2, '0')}_${from}_${String(part).padStart(2, '0')}.txt`;
const marked = (text: string): Buffer => toUcs2(`\ufeff${text}`);
/** What smstools writes of a text that came. */
const came = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.concat([
    Buffer.from(
      Object.entries({ From: '447700900456', From_TOA: '91 international, ISDN/telephone', ...headers })
        .map(([name, value]) => `${name}: ${value}\n`)
        .join('') + '\n',
    ),
    Buffer.from(body),
  ]);

describe('a modem’s directory', () => {
  it('is none where the operator has set none aside', async () => {
    await using rig = await SpoolRig.make('gammu');
    expect(await rig.open(null)).toMatchObject({ code: 'unsupported', remedy: 'ask-person' });
  });

  it.each(['..', '.', 'modem1/inbox', '../modem1', '', 'modem1\0'])(
    'is none under the name %j',
    async (name) => {
      await using rig = await SpoolRig.make('gammu');
      expect(await rig.open(rig.root, name)).toMatchObject({ code: 'not-found' });
    },
  );

  it('is none where it, or one of those in it, is missing or leads elsewhere', async () => {
    await using rig = await SpoolRig.make('gammu');
    const elsewhere = join(rig.root, 'elsewhere');
    await rename(join(rig.path, 'inbox'), elsewhere);
    expect(await rig.open()).toMatchObject({
      code: 'not-found',
      detail: expect.stringContaining('modem1/inbox'),
    });
    await symlink(elsewhere, join(rig.path, 'inbox'));
    expect(await rig.open()).toMatchObject({ code: 'not-found', detail: expect.stringContaining('link') });
    await rm(join(rig.path, 'inbox'));
    await rename(elsewhere, join(rig.path, 'inbox'));
    await symlink(rig.path, join(rig.root, 'modem2'));
    expect(await rig.open(rig.root, 'modem2')).toMatchObject({ code: 'not-found' });
    expect(await rig.open()).toBeUndefined();
  });

  it('ends the line when it goes', async () => {
    await using rig = await SpoolRig.make('gammu');
    await rig.open();
    await rename(join(rig.path, 'inbox'), join(rig.root, 'elsewhere'));
    expect(await until('the line broke', () => rig.broken[0])).toMatchObject({ code: 'not-found' });
  });
});

describe('what a modem heard', () => {
  it('is told when nobody writes to it any more', async () => {
    const clock = new ManualClock();
    await using rig = await SpoolRig.make('gammu', clock);
    await rig.put('inbox', arrival(0), marked('half'));
    await rig.put('inbox', arrival(1), marked('whole'));
    await rig.open();
    clock.advance(40);
    await until('it has looked', () => clock.timers > 0);
    await appendFile(join(rig.path, 'inbox', arrival(0)), toUcs2(' and half'));
    await until('both are looked at again', () => {
      clock.advance(5);
      return rig.heard.length === 1;
    });
    expect(await rig.texts(1)).toEqual(['whole']);
    await until('it is told', () => {
      clock.advance(5);
      return rig.heard.length === 2;
    });
    expect(await rig.texts(2)).toEqual(['whole', 'half and half']);
  });

  it('is taken away when it is stored, not before, and told again when it is not', async () => {
    await using rig = await SpoolRig.make('gammu');
    rig.answers.push({ kept: 'not-kept', retryAfterMs: 20 }, { kept: 'silent' });
    let isThere: boolean | undefined;
    rig.asked = async () => {
      isThere = (await rig.names('inbox')).length === 1;
    };
    await rig.put('inbox', arrival(0), marked('hello'));
    await rig.open();
    expect(await rig.texts(3)).toEqual(['hello', 'hello', 'hello']);
    expect(new Set(rig.heard.map(({ id }) => id)).size).toBe(1);
    await until('it is gone', async () => (await rig.names('inbox')).length === 0);
    expect([isThere, rig.heard.length]).toEqual([true, 3]);
  });

  it('is left, and told no more, where the house will not have it', async () => {
    await using rig = await SpoolRig.make('gammu');
    rig.answers.push({ kept: 'refused', failure: failure('too-large') });
    await rig.put('inbox', arrival(0), marked('unwanted'));
    await rig.put('inbox', arrival(1), marked('wanted'));
    await rig.open();
    await rig.texts(2);
    await rig.put('inbox', arrival(2), marked('later'));
    expect(await rig.texts(3)).toEqual(['unwanted', 'wanted', 'later']);
    expect(await rig.names('inbox')).toContain(arrival(0));
  });

  it('stays in order: what cannot be stored now holds up what came after it', async () => {
    await using rig = await SpoolRig.make('gammu');
    rig.answers.push({ kept: 'not-kept', retryAfterMs: 20 });
    for (const serial of [0, 1, 2]) await rig.put('inbox', arrival(serial), marked(String(serial)));
    await rig.open();
    expect(await rig.texts(4)).toEqual(['0', '0', '1', '2']);
  });

  it('is another text under the same name when it says something else, and the same when it does not', async () => {
    await using rig = await SpoolRig.make('gammu');
    await rig.open();
    const again = async (text: string, count: number): Promise<string | undefined> => {
      await rig.put('inbox', arrival(0), marked(text));
      await rig.texts(count);
      await until('it is gone', async () => (await rig.names('inbox')).length === 0);
      return rig.heard.at(-1)?.id;
    };
    const [one, two, three] = [await again('one', 1), await again('two', 2), await again('one', 3)];
    expect([one === two, one === three]).toEqual([false, true]);
  });

  it('is never a link, a pipe, a directory, a giant or nonsense', async () => {
    await using rig = await SpoolRig.make('gammu');
    const inbox = join(rig.path, 'inbox');
    await writeFile(join(rig.root, 'secret'), marked('secret'));
    await symlink(join(rig.root, 'secret'), join(inbox, arrival(0)));
    execFileSync('mkfifo', [join(inbox, arrival(1))]);
    await mkdir(join(inbox, arrival(2)));
    await rig.put('inbox', arrival(3), marked('x'.repeat(200_000)));
    await rig.put('inbox', arrival(4), Buffer.from([0xff, 0x00, 0x12]));
    await rig.put('inbox', 'IN_\u001b[2J_..txt', marked('no name'));
    await rig.put('inbox', arrival(5, 'A_B C'), marked('somebody'));
    await rig.open();
    expect(await rig.texts(1)).toEqual(['somebody']);
    expect(rig.heard[0]?.from).toBe('A_B C');
    await rig.put('inbox', arrival(6), marked('end'));
    expect(await rig.texts(2)).toEqual(['somebody', 'end']);
    await until('what was kept is gone', async () => (await rig.names('inbox')).length === 6);
  });
});

describe('what gammu-smsd wrote', () => {
  it('ends at the first NUL, whatever its memory held behind it', async () => {
    await using rig = await SpoolRig.make('gammu');
    await rig.put(
      'inbox',
      arrival(0),
      Buffer.concat([marked('hello 👋'), Buffer.alloc(30), toUcs2('of before')]),
    );
    await rig.put('inbox', arrival(1), Buffer.concat([marked('').swap16(), toUcs2('little').swap16()]));
    await rig.open();
    expect(await rig.texts(2)).toEqual(['hello 👋', 'little']);
  });

  it('is one text in several files, whose characters may be torn, and waits for the first of them', async () => {
    await using rig = await SpoolRig.make('gammu');
    const [high, low] = ['\ud83d', '\udc4b'];
    await rig.put('inbox', arrival(0, bob, 1), marked(`${low} there`));
    await rig.open();
    await rig.put('inbox', arrival(1), marked('meanwhile'));
    expect(await rig.texts(1)).toEqual(['meanwhile']);
    await rig.put('inbox', arrival(0), marked(`hello ${high}`));
    expect(await rig.texts(2)).toEqual(['meanwhile', 'hello 👋 there']);
    await until('all of it is gone', async () => (await rig.names('inbox')).length === 0);
  });

  it('is told with a gap when the first part does not come', async () => {
    const clock = new ManualClock();
    await using rig = await SpoolRig.make('gammu', clock);
    await rig.put('inbox', arrival(0, bob, 1), marked('the rest'));
    await rig.open();
    await until('it is told', () => {
      clock.advance(20_000);
      return rig.heard.length === 1;
    });
    expect(await rig.texts(1)).toEqual(['[…]the rest']);
    expect(clock.monotonic()).toBeGreaterThan(600_000);
  });
});

describe('what smstools wrote', () => {
  const said: readonly (readonly [name: string, file: Buffer, text: string])[] = [
    ['Latin-9', came(Buffer.from([0xa4, 0x20, 0xe9]), { Alphabet: 'ISO' }), '€ é'],
    ['UTF-8 under that name', came('€ é', { Alphabet: 'ISO' }), '€ é'],
    ['UTF-8', came('👋 é', { Alphabet: 'UTF-8' }), '👋 é'],
    ['UCS-2', came(toUcs2('👋 é'), { Alphabet: 'UCS2' }), '👋 é'],
    [
      'UCS-2 with half a character',
      came(Buffer.concat([toUcs2('é'), Buffer.of(1)]), { Alphabet: 'UCS2' }),
      'é',
    ],
    ['no alphabet', came('hello'), 'hello'],
    ['empty lines', came('one\n\ntwo\n'), 'one\n\ntwo\n'],
    ['a text like headers', came('To: 1\nReport: yes\n\nx'), 'To: 1\nReport: yes\n\nx'],
  ];
  it.each(said)('is read: %s', async (_name, file, text) => {
    await using rig = await SpoolRig.make('smstools');
    await rig.put('incoming', 'MODEM.aB3dE5', file);
    await rig.open();
    expect(await rig.texts(1)).toEqual([text]);
    expect(rig.heard[0]?.from).toBe(bob);
  });

  it('may be data, part of a text, or from a word', async () => {
    await using rig = await SpoolRig.make('smstools');
    await rig.put('incoming', 'M.a', came(Buffer.from([0, 1, 255]), { Alphabet: 'binary' }));
    await rig.put('incoming', 'M.b', came('two', { 'UDH-DATA': '05 00 03 2A 02 02', UDH: 'true' }));
    await rig.put('incoming', 'M.c', came('hello', { From: 'ACME', From_TOA: 'D0 alphanumeric, unknown' }));
    await rig.put('incoming', 'M.d', came('broken', { Error: 'Cannot decode' }));
    await rig.put('incoming', 'M.e', 'From: 1');
    await rig.open();
    await rig.texts(3);
    const [data, part, word] = rig.heard;
    expect(data?.body).toEqual({ bytes: Buffer.from([0, 1, 255]) });
    expect(part?.body).toMatchObject({ part: { reference: 42, of: 2, number: 2 } });
    expect(word?.from).toBe('ACME');
    await until('what was kept is gone', async () => (await rig.names('incoming')).length === 2);
    expect(await rig.names('incoming')).toEqual(['M.d', 'M.e']);
  });
});

describe('what is sent by a modem', () => {
  it('is put there whole, for the program’s group to read and to move', async () => {
    await using rig = await SpoolRig.make('gammu');
    await rig.open();
    await rig.send('hello €');
    const { name, octets } = await rig.file('outbox');
    expect(name).toMatch(/^OUTC\d{8}_\d{6}_[0-9a-f]{32}-0_\+12025550123_p\.txt$/);
    expect(octets).toEqual(marked('hello €'));
    expect((await stat(join(rig.path, 'outbox', name))).mode & 0o777).toBe(0o660);
    expect((await rig.names('.')).length).toBe(4);
  });

  it('is one text however often it is put, wherever the program has it by then', async () => {
    await using rig = await SpoolRig.make('smstools');
    await rig.open();
    const envelope = newId<'EnvelopeId'>();
    await rig.send('hello', { envelope });
    const { name, octets } = await rig.file('outgoing');
    expect(octets.toString()).toBe('To: 12025550123\nAlphabet: GSM\nReport: yes\n\nhello');
    for (const box of ['outgoing', 'checked']) {
      expect(await rig.send('hello', { envelope })).toMatchObject({ outcome: 'pending' });
      expect((await rig.names('outgoing')).length).toBe(box === 'outgoing' ? 1 : 0);
      if (box === 'outgoing') await rename(join(rig.path, box, name), join(rig.path, 'checked', name));
    }
  });

  it('is told to be sent, or not, once, and taken away', async () => {
    await using rig = await SpoolRig.make('gammu');
    await rig.open();
    for (const text of ['one', 'two']) await rig.send(text);
    const [one = '', two = ''] = await rig.names('outbox');
    await rig.put('sent', 'OUTC20260101_000000_00_+12025550123_theirs.txt', 'of another program');
    await rename(join(rig.path, 'outbox', one), join(rig.path, 'sent', one));
    await rename(join(rig.path, 'outbox', two), join(rig.path, 'error', two));
    expect(await rig.states(2)).toEqual(['sent', 'failed']);
    await until('they are gone', async () => (await rig.names('error')).length === 0);
    await until('what was told is gone', async () => (await rig.names('sent')).length === 1);
    expect(rig.reported.length).toBe(2);
  });

  it('is known again by its reference and its number when the network reports, after a restart too', async () => {
    await using rig = await SpoolRig.make('smstools');
    await rig.open();
    const sentTo = async (to: string): Promise<void> => {
      await rig.send('hello', { to });
      const { name, octets } = await rig.file('outgoing');
      await rm(join(rig.path, 'outgoing', name));
      const [head = '', body = ''] = octets.toString().split('\n\n');
      await rig.put('sent', name, `${head}\nModem: M\nMessage_id: 7\n\n${body}`);
    };
    await sentTo(alice);
    await sentTo(bob);
    await rig.states(2);
    await until('both are told', async () =>
      (await rig.names('sent')).every((name) => name.endsWith('.told')),
    );
    await rig.open();
    const report = (from: string, status: string): Buffer =>
      came(`SMS STATUS REPORT\nMessage_id: 7\nDischarge_timestamp: 26-01-02 03:04:05\nStatus: ${status}\n`, {
        From: from,
      });
    await rig.put('report', 'M.a', report('491555000000', '0,Ok,short message received by the SME'));
    await rig.put('report', 'M.b', report(bob.slice(1), '48,Temporary error, still trying'));
    await rig.put('incoming', 'M.c', report(bob.slice(1), '0,Ok,short message received by the SME'));
    await rig.put('report', 'M.d', report(alice.slice(1), '70,Permanent error,validity period expired'));
    expect((await rig.states(4)).slice(2).toSorted()).toEqual(['delivered', 'failed']);
    const [first, second] = rig.reported;
    expect(rig.reported.find(({ state }) => state === 'failed')).toMatchObject({
      about: first?.about,
      failure: { detail: expect.stringContaining('validity period expired') },
    });
    expect(rig.reported.find(({ state }) => state === 'delivered')?.about).toEqual(second?.about);
    await until('what was reported is gone', async () => (await rig.names('sent')).length === 0);
    await until('only the other is left', async () => (await rig.names('report')).join(' ') === 'M.a');
    expect(rig.heard).toEqual([]);
  });

  it('goes to numbers and short codes alone, one at a time', async () => {
    await using rig = await SpoolRig.make('smstools');
    await rig.open();
    for (const to of ['ACME', '../../x', '1\nReport: no', '+1', ''])
      expect(await rig.send('x', { to })).toMatchObject({ outcome: 'refused' });
    const many = { envelope: newId<'EnvelopeId'>(), from: '', to: [alice, bob], text: 'x', media: [] };
    expect(await rig.line.submit(many, new AbortController().signal)).toMatchObject({ outcome: 'refused' });
    expect(await rig.names('outgoing')).toEqual([]);
  });

  it('waits with the house while the modem has a thousand to send', async () => {
    await using rig = await SpoolRig.make('smstools');
    for (let index = 0; index < 999; index++) await rig.put('outgoing', `of-another-${String(index)}`, 'x');
    await rig.open();
    await until('it has looked', () => rig.line.allowance().envelopes === 1);
    expect(await rig.send('the last')).toMatchObject({ outcome: 'pending' });
    expect(await rig.send('too many')).toMatchObject({ outcome: 'later', failure: { code: 'rate-limited' } });
  });

  it('is settled when nobody waits any longer', async () => {
    await using rig = await SpoolRig.make('smstools');
    await rig.open();
    const submission = { envelope: newId<'EnvelopeId'>(), from: '', to: [alice], text: 'x', media: [] };
    expect((await rig.line.submit(submission, AbortSignal.abort())).outcome).toBe('unknown');
    await rig.file('outgoing');
  });
});
