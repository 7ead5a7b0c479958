/* What is said, on real servers: alice by a session of ours, bob and alice's other device by plain clients. */
import { beforeAll, expect, it } from '@jest/globals';
import {
  can,
  wireIdOf,
  type InboundChange,
  type InboundEvent,
  type OutboundEnvelope,
  type SendOutcome,
} from '#connector';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { newId, type FileId, type MessageContent } from '#model';
import { describeXmpp, eventually, visitXmpp, type PlainXmpp, type XmppServer } from '#peers';

describeXmpp(
  'talk on %s',
  (scene) => {
    let rig: Rig;
    let bob: PlainXmpp;
    let phone: PlainXmpp;

    beforeAll(async () => {
      const { server } = scene;
      rig = await scene.use(new Rigs()).begin({
        server,
        settings: { caCertificate: server.authority.pem },
      });
      bob = await scene.visit('bob', { carbons: true });
      const { password } = rig;
      phone = await scene.visit(rig.jid.split('@')[0] ?? '', { password, carbons: true });
      await rig.until('online');
      // Copies are made once the server has said so.
      await eventually('alice hears what her phone says', () => {
        phone.say(bob.bare, 'is this thing on?');
        return events('message').some(({ origin }) => origin === 'other-device');
      });
    });

    function events<T extends InboundEvent['type']>(type: T): readonly Extract<InboundEvent, { type: T }>[] {
      return rig.house.storage.stored.flatMap((event) =>
        event.type === type ? [event as Extract<InboundEvent, { type: T }>] : [],
      );
    }
    const changes = (type: InboundChange['type']): readonly InboundChange[] =>
      rig.house.storage.stored.flatMap((event) => (event.type === type ? [event] : []));
    const heard = async (text: string) =>
      eventually(`“${text}” is heard`, () => events('message').find(({ content }) => content.text === text));
    const raw = async (what: string, after = 0) =>
      eventually(`bob hears ${what}`, () => bob.raw.slice(after).find((stanza) => stanza.includes(what)));

    async function send(more: Partial<OutboundEnvelope>): Promise<{ id: string; outcome: SendOutcome }> {
      const envelope: OutboundEnvelope = {
        id: newId<'EnvelopeId'>(),
        account: rig.account,
        kind: 'message',
        to: bob.bare,
        conversationKind: 'direct',
        content: { text: '' },
        attempt: 1,
        ...more,
      };
      return {
        id: wireIdOf(envelope.id, 0),
        outcome: await rig.session.send(envelope, new AbortController().signal),
      };
    }
    const say = async (text: string, more: Partial<MessageContent> = {}) =>
      send({ content: { text, ...more } });
    const byMe = (id: string) => ({ scope: `id:${bob.bare}`, id, by: 'sender' }) as const;

    it('is sent when the server has it, under its wire id', async () => {
      const { id, outcome } = await say('good morning');
      expect(outcome).toEqual({ outcome: 'sent', parts: [{ remoteId: byMe(id) }] });
      const stanza = await raw('good morning');
      expect(stanza).toContain(`id="${id}"`.replaceAll('"', stanza.includes(`id='${id}'`) ? "'" : '"'));
    });

    it('is heard with the ids of the archive and of its sender', async () => {
      const id = bob.say(rig.jid, 'with ids');
      const message = await heard('with ids');
      expect(message).toMatchObject({ conversation: bob.bare, origin: 'remote', mode: 'live' });
      expect(message.remoteId).toMatchObject({ scope: rig.jid, by: 'network' });
      expect(message.otherIds).toEqual([byMe(id)]);
    });

    it('by another device of ours is our own, and heard once', async () => {
      const id = phone.say(bob.bare, 'from my phone');
      expect(await heard('from my phone')).toMatchObject({
        conversation: bob.bare,
        origin: 'other-device',
        author: { address: rig.jid },
      });
      bob.say(rig.jid, 'after the phone');
      await heard('after the phone');
      expect(events('message').filter(({ content }) => content.text === 'from my phone')).toHaveLength(1);
      expect(id).not.toBe('');
    });

    it('in a copy that somebody forged is not heard', async () => {
      const inner = `<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="carol@example.org/x" to="${rig.jid}" type="chat"><body>forged words</body></message></forwarded>`;
      bob.say(rig.jid, 'a forger’s own words', {
        more: `<received xmlns="urn:xmpp:carbons:2">${inner}</received>`,
      });
      bob.say(rig.jid, 'after the forgery');
      await heard('after the forgery');
      expect(JSON.stringify(rig.house.storage.stored)).not.toContain('forged words');
    });

    it('is delivered and read when its recipient says so, and nobody else', async () => {
      const { id } = await say('please confirm');
      await raw('please confirm');
      const receipts = () =>
        events('receipt').filter(({ about }) => 'wireId' in about && about.wireId === id);
      await using carol = await visitXmpp(scene.server, 'carol');
      carol.send(
        `<message to="${rig.jid}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
      );
      carol.say(rig.jid, 'carol was here');
      await heard('carol was here');
      expect(receipts()).toEqual([]);
      bob.send(
        `<message to="${rig.jid}" type="chat"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`,
      );
      await eventually('it is delivered', () => receipts().some(({ state }) => state === 'delivered'));
      bob.send(
        `<message to="${rig.jid}" type="chat"><displayed xmlns="urn:xmpp:chat-markers:0" id="${id}"/></message>`,
      );
      await eventually('it is read', () => receipts().some(({ state }) => state === 'read'));
    });

    it('is not receipted to a stranger', async () => {
      const after = bob.raw.length;
      bob.say(rig.jid, 'are you there?', { more: '<request xmlns="urn:xmpp:receipts"/>' });
      await heard('are you there?');
      await say('a later word');
      await raw('a later word', after);
      expect(bob.raw.slice(after).some((stanza) => stanza.includes('<received'))).toBe(false);
    });

    it('is corrected, retracted and reacted to, both ways', async () => {
      const id = bob.say(rig.jid, 'to be correctd');
      await heard('to be correctd');
      bob.edit(rig.jid, id, 'to be corrected');
      const edit = await eventually('it is corrected', () => changes('edit').at(-1));
      expect(edit).toMatchObject({ target: byMe(id), content: { text: 'to be corrected' } });
      bob.react(rig.jid, id, ['🐢', '👋']);
      const reaction = await eventually('he reacts', () => changes('reaction').at(-1));
      expect(reaction).toMatchObject({ target: byMe(id), reactions: ['🐢', '👋'] });
      bob.retract(rig.jid, id);
      expect(await eventually('it is taken back', () => changes('retraction').at(-1))).toMatchObject({
        target: byMe(id),
        author: { address: bob.bare },
      });

      const mine = await say('mine');
      const target = { remoteIds: [byMe(mine.id)], text: 'mine' };
      await send({ kind: 'edit', target, content: { text: 'mine, better' } });
      expect(await raw('mine, better')).toMatch(/<replace[^>]*urn:xmpp:message-correct:0/);
      await send({
        kind: 'reaction',
        target: { ...target, reactions: ['🎉'] },
        reaction: { emoji: '🎉', removed: false },
      });
      expect(await raw('🎉')).toContain('urn:xmpp:reactions:0');
      await send({ kind: 'retraction', target });
      expect(await raw('urn:xmpp:message-retract:1')).toContain(mine.id);
    });

    it('answers, with the quotation taken out again', async () => {
      const id = bob.say(rig.jid, 'We should bake a cake');
      await heard('We should bake a cake');
      await send({
        content: { text: 'Great idea!', replyTo: newId<'MessageId'>() },
        target: { remoteIds: [byMe(id)], text: 'We should bake a cake' },
      });
      const reply = await raw('Great idea!');
      expect(reply).toMatch(/<reply[^>]*urn:xmpp:reply:0/);
      expect(reply).toContain('&gt; We should bake a cake\n');
      const quote = '> Great idea!\n';
      bob.say(rig.jid, `${quote}Then do`, {
        more:
          `<reply xmlns="urn:xmpp:reply:0" id="${id}"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0">` +
          `<body start="0" end="${String(quote.length)}"/></fallback>`,
      });
      expect(await heard('Then do')).toMatchObject({ replyTo: byMe(id) });
    });

    it('is dressed and acted, both ways', async () => {
      await say('so bold', { spans: [{ start: 3, end: 7, style: { kind: 'bold' } }] });
      await raw('<body>so *bold*</body>');
      await say('waves', { emote: true });
      await raw('<body>/me waves</body>');
      bob.say(rig.jid, '/me waves _back_');
      expect(await heard('waves _back_')).toMatchObject({
        content: { emote: true, spans: [{ start: 6, end: 12, style: { kind: 'italic' } }] },
      });
    });

    it('is typed, where the other side shows typing as well', async () => {
      if (!can(rig.session, 'shows-typing')) throw new Error('it shows no typing');
      const after = bob.raw.length;
      bob.type(rig.jid, 'composing');
      await eventually('bob types', () =>
        rig.house.typings.some(({ conversation, active }) => conversation === bob.bare && active),
      );
      bob.say(rig.jid, 'typed');
      await eventually('bob has stopped', () => rig.house.typings.at(-1)?.active === false);
      rig.session.typing(rig.account, bob.bare, true);
      await raw('<composing', after);
      rig.session.typing(rig.account, bob.bare, false);
      await raw('<paused', after);
    });

    it('to nobody is refused', async () => {
      const { outcome, id } = await send({
        to: `nobody@${scene.server.names.domain}`,
        content: { text: 'hello?' },
      });
      // The server may say that it has it before it says that nobody does.
      const failed = () =>
        events('receipt').find(({ about }) => 'wireId' in about && about.wireId === id)?.failure?.code;
      if (outcome.outcome === 'refused') expect(outcome.failure.code).toBe('not-found');
      else expect(await eventually('it has failed', failed)).toBe('not-found');
    });

    it('with a file has it put on the server, and says where it lies', async () => {
      const [file, bytes] = [newId<'FileId'>(), Buffer.from('the bytes of a picture')];
      rig.house.inbox.held.set(file, { name: 'très cool.png', mediaType: 'image/png', bytes });
      const attachment = (size: number, id: FileId) => ({
        name: 'très cool.png',
        mediaType: 'image/png',
        size,
        file: id,
        url: 'https://house.example/f/1',
      });
      const { outcome } = await say('look', { attachments: [attachment(bytes.length, file)] });
      expect(outcome).toMatchObject({ outcome: 'sent', parts: [{}, {}] });
      const url = /<url>(https?:[^<]+)<\/url>/.exec(await raw('jabber:x:oob'))?.[1] ?? '';
      expect(url).not.toContain('house.example');
      expect(await fetched(url, scene.server)).toEqual(bytes);
      const large = await say('too large', { attachments: [attachment(100_001, newId<'FileId'>())] });
      expect(large.outcome).toMatchObject({ outcome: 'refused', failure: { code: 'too-large' } });
    });

    it('with an address of a file is a file', async () => {
      const url = 'https://upload.example.org/abc/summit.jpg';
      bob.say(rig.jid, url, { more: `<x xmlns="jabber:x:oob"><url>${url}</url></x>` });
      const message = await eventually('it is heard', () =>
        events('message').find(({ content }) => content.attachments?.[0]?.url === url),
      );
      expect(message.content).toEqual({
        text: '',
        attachments: [{ name: 'summit.jpg', mediaType: 'image/jpeg', url }],
      });
    });
  },
  { uploadLimit: 100_000 },
);

/** Fetches a file from a test's server: nobody looks its name up. */
async function fetched(url: string, server: XmppServer): Promise<Buffer> {
  const { get } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  return new Promise((done, fail) => {
    const lookup = (
      _host: string,
      _options: object,
      answer: (error: null, found: { address: string; family: number }[]) => void,
    ): void => {
      answer(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    get(url, { lookup, ca: server.authority.pem }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          done(Buffer.concat(chunks));
        });
    }).on('error', fail);
  });
}
