import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Envelope, Message, MyConversation, OptOut, SendMessagesAnswer } from '#api';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

const answers = {
  out: 'You will get no more messages. START to begin again.',
  in: 'You will get messages again. STOP to end.',
  help: 'STOP to get no more messages.',
};

describe('whoever asks not to be written to', () => {
  let loop: Loop;
  let made = 0;
  beforeAll(async () => {
    loop = await Loop.open({ consentWords: true });
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  /** Somebody new, and our conversation with them. */
  async function somebody(): Promise<{ name: string; id: string }> {
    const name = `somebody${String(++made)}`;
    return { name, id: await loop.with(name) };
  }
  const says = (name: string, text: string) => loop.network.say(name, 'alice', text);
  const post = async (conversation: string, body: object) =>
    await loop.house.ask('POST', `/v1/conversations/${conversation}/messages`, {
      token: loop.alice.token,
      body,
    });
  const refused = { status: 409, body: { code: 'opted-out', remedy: 'give-up' } };
  const later = () => new Date(Date.now() + 3_600_000).toISOString();
  const look = async (id: string) => await loop.ask<MyConversation>('GET', `/v1/conversations/${id}`);
  const optOut = async (name: string) =>
    (await loop.ask<{ items: OptOut[] }>('GET', `/v1/opt-outs?address=${name}`)).items[0];
  const out = async ({ id }: { readonly id: string }) =>
    await eventually('they are out', async () => (await look(id)).optedOut === true);
  /** What the network carried from us to them. */
  const gotBy = (name: string) =>
    loop.network.received.filter(({ kind, to }) => kind === 'send' && to === name).map(({ text }) => text);
  const stop = async (them: { readonly name: string; readonly id: string }) => {
    says(them.name, 'stop');
    await out(them);
    await eventually('they are answered', () => gotBy(them.name).includes(answers.out));
  };

  it('is answered once, shown as who they are, and written to no more', async () => {
    const them = await somebody();
    await stop(them);
    expect(await post(them.id, { text: 'one more thing' })).toMatchObject(refused);
    expect(await post(them.id, { text: 'urgently', urgent: true })).toMatchObject(refused);
    const { results } = await loop.ask<SendMessagesAnswer>('POST', '/v1/messages', {
      to: [{ account: loop.account, address: them.name }],
      text: 'one more thing',
    });
    expect(results).toMatchObject([{ failure: { code: 'opted-out' } }]);
    says(them.name, 'STOP');
    says(them.name, 'are you there?');
    await eventually('it is heard', async () =>
      (await loop.messages(them.id)).some(({ text }) => text === 'are you there?'),
    );
    expect(gotBy(them.name)).toEqual([answers.out]);
    const said = await loop.messages(them.id);
    expect(said.map(({ text }) => text).sort()).toEqual(
      ['STOP', 'are you there?', 'stop', answers.out].sort(),
    );
    const first = said.find(({ text }) => text === 'stop');
    expect(await optOut(them.name)).toMatchObject({
      account: loop.account,
      address: them.name,
      optedOut: true,
      person: null,
      message: first?.id,
    });
  });

  it('gets nothing of what waited: for its time, for a decision, for a session', async () => {
    const them = await somebody();
    const scheduled = await loop.send(them.id, 'tomorrow', { scheduleAt: later() });
    const held = await loop.send(them.id, 'hold this');
    const sent = await loop.send(them.id, 'this was before');
    await loop.fate(sent, 'sent');
    says(them.name, 'STOP');
    for (const message of [scheduled, held]) {
      expect(await loop.fate(message, 'failed')).toMatchObject({
        failure: { code: 'opted-out', remedy: 'give-up' },
        attempts: 0,
      });
    }
    await loop.fate(sent, 'sent');
    const [failed] = (await loop.ask<{ items: Envelope[] }>('GET', `/v1/messages/${held.id}/envelopes`))
      .items;
    const again = await loop.house.ask('POST', `/v1/envelopes/${failed?.id ?? ''}/resend`, {
      token: loop.alice.token,
    });
    expect(again).toMatchObject(refused);
    await eventually('they are answered', () => gotBy(them.name).includes(answers.out));
    expect(gotBy(them.name)).toEqual(['this was before', answers.out]);
  });

  it('gets nothing of what the network asked to come later before they asked', async () => {
    const them = await somebody();
    loop.network.laterNext(600, 1);
    const message = await loop.send(them.id, 'come back later');
    await loop.fate(message, 'waiting');
    says(them.name, 'STOP');
    expect(await loop.fate(message, 'failed')).toMatchObject({ failure: { code: 'opted-out' } });
    await eventually('they are answered', () => gotBy(them.name).includes(answers.out));
    expect(gotBy(them.name)).toEqual([answers.out]);
  });

  it('gets nothing of what comes back to wait only after they asked', async () => {
    const them = await somebody();
    await stop(them);
    // As if it had been on its way when they asked, and the network had then asked for it later.
    await loop.ask('PUT', '/v1/opt-outs', { account: loop.account, address: them.name, optedOut: false });
    const message = await loop.send(them.id, 'on its way', { scheduleAt: later() });
    await loop.house.database.query(`UPDATE opt_out SET opted_out = true WHERE address = $1`, [them.name]);
    await loop.house.database.query(
      `UPDATE envelope SET waits_for = 'rate', lane_order = 1, due_at = now() WHERE message_id = $1`,
      [message.id],
    );
    expect(await loop.fate(message, 'failed')).toMatchObject({ failure: { code: 'opted-out' } });
    expect(gotBy(them.name)).toEqual([answers.out]);
  });

  it('is told nothing in words of a correction', async () => {
    const room = '#terse';
    loop.network.arrange(room, { without: ['edits', 'reactions'] });
    const { id } = await loop.ask<{ id: string }>('POST', '/v1/conversations', {
      account: loop.account,
      address: room,
    });
    await eventually('it is entered, and known for what it is', async () => {
      const { joined, capabilities } = await look(id);
      return joined && capabilities.edits !== 'native';
    });
    const message = await loop.send(id, 'helo all');
    await loop.fate(message, 'sent');
    await loop.ask('PUT', '/v1/opt-outs', { account: loop.account, address: room, optedOut: true });
    const path = `/v1/messages/${message.id}`;
    const { token } = loop.alice;
    expect(await loop.house.ask('PATCH', path, { token, body: { text: 'hello all' } })).toMatchObject(
      refused,
    );
    const reaction = `${path}/reactions/${encodeURIComponent('👍')}`;
    expect(await loop.house.ask('PUT', reaction, { token })).toMatchObject(refused);
    expect(await loop.ask<Message>('GET', path)).toMatchObject({ text: 'helo all', reactions: [] });
  });

  it('is written to again when they ask for it, and told so', async () => {
    const them = await somebody();
    await stop(them);
    says(them.name, 'Start');
    await eventually('they are answered', () => gotBy(them.name).includes(answers.in));
    expect((await look(them.id)).optedOut).toBeUndefined();
    await loop.fate(await loop.send(them.id, 'welcome back'), 'sent');
    expect(await optOut(them.name)).toMatchObject({ optedOut: false });
    expect(gotBy(them.name)).toEqual([answers.out, answers.in, 'welcome back']);
  });

  it('is helped without anything being changed, also while they are out', async () => {
    const them = await somebody();
    says(them.name, 'help');
    await eventually('they are answered', () => gotBy(them.name).includes(answers.help));
    expect(await optOut(them.name)).toBeUndefined();
    await stop(them);
    says(them.name, 'help');
    await eventually('they are answered again', () => gotBy(them.name).length === 3);
    expect(gotBy(them.name)).toEqual([answers.help, answers.out, answers.help]);
    expect((await look(them.id)).optedOut).toBe(true);
  });

  it('is obeyed, each for themselves, when many ask at once', async () => {
    const many = await Promise.all(Array.from({ length: 12 }, () => somebody()));
    const [stays, ...leave] = many;
    const waiting = await Promise.all(leave.map(({ id }) => loop.send(id, 'later', { scheduleAt: later() })));
    for (const { name } of leave) says(name, 'STOP');
    for (const message of waiting)
      expect(await loop.fate(message, 'failed')).toMatchObject({ failure: { code: 'opted-out' } });
    for (const { name } of leave)
      await eventually('they are answered', () => gotBy(name).includes(answers.out));
    await loop.fate(await loop.send(stays?.id ?? '', 'still welcome'), 'sent');
  });

  it('is refused by whatever is sent in the same moment, or gets it before: nothing is left to wait', async () => {
    const them = await somebody();
    const sends = Array.from({ length: 40 }, (_, index) =>
      post(them.id, { text: `racing ${String(index)}` }),
    );
    says(them.name, 'STOP');
    const done = await Promise.all(sends);
    await out(them);
    expect(await post(them.id, { text: 'after all' })).toMatchObject(refused);
    for (const { status, body } of done) {
      expect([201, 409]).toContain(status);
      if (status === 409) expect(body).toMatchObject({ code: 'opted-out' });
    }
    await eventually('nothing waits', async () => {
      const rows = await loop.house.database.query(
        `SELECT 1 FROM envelope WHERE conversation_id = $1 AND state IN ('accepted', 'waiting', 'sending')`,
        [them.id],
      );
      return rows.length === 0;
    });
  });

  it('is answered no more than a few times an hour, should it be a machine', async () => {
    const them = await somebody();
    for (let turn = 0; turn < 10; turn++) says(them.name, turn % 2 === 0 ? 'STOP' : 'START');
    says(them.name, 'is anybody there?');
    await eventually('all is heard', async () =>
      (await loop.messages(them.id)).some(({ text }) => text === 'is anybody there?'),
    );
    await eventually('they are answered', () => gotBy(them.name).length === 5);
    expect((await look(them.id)).optedOut).toBeUndefined();
    await loop.house.database.query(
      `UPDATE conversation SET answers_since = answers_since - interval '1 hour' WHERE id = $1`,
      [them.id],
    );
    says(them.name, 'HELP');
    await eventually('they are answered again', () => gotBy(them.name).length === 6);
  });

  it('is not answered twice for what the network delivers twice', async () => {
    const them = await somebody();
    await stop(them);
    loop.network.redeliver('alice');
    await loop.state('online');
    loop.network.dropConnections();
    says(them.name, 'and now?');
    await eventually('it is heard', async () =>
      (await loop.messages(them.id)).some(({ text }) => text === 'and now?'),
    );
    expect(gotBy(them.name)).toEqual([answers.out]);
  });

  it('is obeyed where an archive tells of it, and not answered', async () => {
    const them = await somebody();
    loop.network.archive(them.name, 'alice', { text: 'STOP' });
    await loop.ask('POST', `/v1/conversations/${them.id}/requests`, { kind: 'history' });
    expect(await post(them.id, { text: 'hello' })).toMatchObject(refused);
    says(them.name, 'START');
    await eventually('they are answered', () => gotBy(them.name).includes(answers.in));
    expect(gotBy(them.name)).toEqual([answers.in]);
  });

  it('does not undo by what an archive tells what they have said since', async () => {
    const them = await somebody();
    loop.network.archive(them.name, 'alice', { text: 'STOP' });
    says(them.name, 'START');
    await eventually('they are answered', () => gotBy(them.name).includes(answers.in));
    const fetched = await loop.ask<{ answer: { stored: number } }>(
      'POST',
      `/v1/conversations/${them.id}/requests`,
      { kind: 'history' },
    );
    expect(fetched.answer.stored).toBeGreaterThan(0);
    expect((await look(them.id)).optedOut).toBeUndefined();
    expect(gotBy(them.name)).toEqual([answers.in]);
  });

  it('stays so when what was said with them is erased', async () => {
    const them = await somebody();
    await stop(them);
    await loop.ask('DELETE', `/v1/conversations/${them.id}?erase`);
    expect(await optOut(them.name)).toMatchObject({ optedOut: true });
    expect(await post(them.id, { text: 'hello again' })).toMatchObject(refused);
  });

  describe('and told so to a person', () => {
    it('is put down with the reason, on the record, and what waits to go to them fails', async () => {
      const them = await somebody();
      const waits = await loop.send(them.id, 'tomorrow', { scheduleAt: later() });
      const body = { account: loop.account, address: them.name, optedOut: true, reason: 'By telephone.' };
      const put = await loop.ask<OptOut>('PUT', '/v1/opt-outs', body);
      expect(put).toMatchObject({ ...body, person: loop.alice.id, message: null });
      expect(await loop.fate(waits, 'failed')).toMatchObject({ failure: { code: 'opted-out' } });
      expect(await post(them.id, { text: 'hello' })).toMatchObject(refused);
      const [entry] = await loop.house.database.query<{ facts: object }>(
        `SELECT facts FROM audit WHERE action = 'opt-out.changed' AND facts->>'address' = $1`,
        [them.name],
      );
      expect(entry?.facts).toEqual({ address: them.name, optedOut: true, failed: 1 });
      expect(gotBy(them.name)).toEqual([]);
    });

    it('is refused before the first message too', async () => {
      await loop.ask('PUT', '/v1/opt-outs', { account: loop.account, address: 'Never', optedOut: true });
      const never = await loop.with('never');
      expect(await post(never, { text: 'hello' })).toMatchObject(refused);
      expect((await look(never)).optedOut).toBe(true);
    });

    it('is listed page by page, by account, address and what was said', async () => {
      const names = Array.from({ length: 5 }, (_, index) => `listed${String(index)}`);
      for (const [index, address] of names.entries())
        await loop.ask('PUT', '/v1/opt-outs', { account: loop.account, address, optedOut: index !== 2 });
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const query: string = `?limit=2&account=${loop.account}&optedOut=true${next === undefined ? '' : `&next=${next}`}`;
        const page: { items: OptOut[]; next?: string } = await loop.ask('GET', `/v1/opt-outs${query}`);
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map(({ address }) => address));
        ({ next } = page);
      } while (next !== undefined);
      expect(seen.filter((address) => address.startsWith('listed'))).toEqual(
        names.filter((name) => name !== 'listed2'),
      );
      expect(new Set(seen).size).toBe(seen.length);
      const some = await loop.ask<{ items: OptOut[] }>('GET', '/v1/opt-outs?optedOut=false&address=listed2');
      expect(some.items).toMatchObject([{ address: 'listed2', optedOut: false }]);
    });

    it('is nobody else’s business, and no address is none', async () => {
      const { token } = loop.alice;
      const account = '00000000-0000-7000-8000-000000000000';
      const body = { account, address: 'bob', optedOut: true };
      expect((await loop.house.ask('PUT', '/v1/opt-outs', { token, body })).status).toBe(404);
      expect((await loop.house.ask('GET', `/v1/opt-outs?account=${account}`, { token })).status).toBe(404);
      const bad = { account: loop.account, address: 'two words', optedOut: true };
      expect((await loop.house.ask('PUT', '/v1/opt-outs', { token, body: bad })).status).toBe(422);
      expect((await loop.house.ask('GET', '/v1/opt-outs?next=nonsense', { token })).status).toBe(422);
    });
  });
});
