/* Somebody on the network who does not use Parley: a plain client in the words of the kit. */
import { createHash } from 'node:crypto';
import type { Heard, Observer } from '#connector/testing';
import { child, childrenOf, eventually, textOf, type PlainXmpp, type Tree } from '#peers';
import type { Presence } from '#model';

const shows: Readonly<Record<Presence, Parameters<PlainXmpp['show']>[0]>> = {
  chatty: 'chat',
  available: undefined,
  away: 'away',
  'extended-away': 'xa',
  busy: 'dnd',
  offline: 'unavailable',
  unknown: 'unavailable',
};

/** The observers of a network, and what they have in common. */
export class Observers {
  readonly #connect: () => Promise<PlainXmpp>;
  readonly #here = new Set<PlainXmpp>();
  /** Whether what is delivered to an observer is receipted (XEP-0184). */
  answersReceipts = false;

  constructor(connect: () => Promise<PlainXmpp>) {
    this.#connect = connect;
  }

  /** Somebody new, who lets everybody see their presence. */
  async make(): Promise<Observer> {
    const client = await this.#connect();
    this.#here.add(client);
    client.on((stanza) => {
      this.#reply(client, stanza);
    });
    return observerOn(client, () => this.#here.delete(client));
  }

  /** Has a login and everybody who is here see each other's presence, as friends do. */
  async befriend(device: PlainXmpp): Promise<void> {
    device.on((stanza) => {
      approve(device, stanza);
    });
    await Promise.all(
      [...this.#here]
        .filter((client) => !client.isClosed)
        .map(async (client) => {
          device.send(`<presence to="${client.bare}" type="subscribe"/>`);
          client.send(`<presence to="${device.bare}" type="subscribe"/>`);
          await eventually(
            'both see each other',
            () => isShown(device, client.bare) && isShown(client, device.bare),
          );
        }),
    );
  }

  #reply(client: PlainXmpp, stanza: Tree): void {
    approve(client, stanza);
    listen(client, stanza);
    const { from, id, type } = stanza.attrs;
    if (!this.answersReceipts || type === 'groupchat' || from === undefined || id === undefined) return;
    if (stanza.name === 'message' && child(stanza, 'request', 'urn:xmpp:receipts') !== undefined)
      client.send(`<message to="${from}"><received xmlns="urn:xmpp:receipts" id="${id}"/></message>`);
  }
}

/** Looks up at what is said, as whoever sits before an open window: who it is from learns that states are understood. */
function listen(client: PlainXmpp, stanza: Tree): void {
  const { from, type } = stanza.attrs;
  if (from === undefined || type !== 'chat' || stateOf(stanza) === 'gone') return;
  if (child(stanza, 'body', 'jabber:client') === undefined) return;
  client.send(
    `<message to="${from}" type="chat"><active xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/></message>`,
  );
}

function approve(client: PlainXmpp, { name, attrs: { type, from = '' } }: Tree): void {
  if (name === 'presence' && type === 'subscribe') client.send(`<presence to="${from}" type="subscribed"/>`);
}

function observerOn(client: PlainXmpp, gone: () => void): Observer {
  const said: { readonly to: string; readonly text: string; readonly id: string }[] = [];
  const rooms = new Map<string, string>();
  const nick = client.bare.split('@')[0] ?? '';
  return {
    address: client.bare,
    addressIn: (room) => `${room}/${nick}`,
    say: (to, text) => {
      said.push({ to, text, id: client.say(to, text) });
      return Promise.resolve();
    },
    heard: () => client.stanzas.flatMap((stanza) => heardOf(stanza, client.bare, rooms)),
    async join(room) {
      rooms.set(room, nick);
      await client.join(room, nick);
    },
    leave: (room) => client.leave(room),
    async change(to, text, change) {
      const own = said.findLast((one) => one.to === to && one.text === text);
      if (own === undefined) throw new Error(`it never said ${text}`);
      // In a room, what the room called it counts (XEP-0424 §5.1, XEP-0444 §4.2); a correction names what its sender did.
      const id = rooms.has(to) ? await reflected(client, own.id, to) : own.id;
      if (change.kind === 'edit') client.edit(to, own.id, change.text);
      else if (change.kind === 'retraction') client.retract(to, id);
      else client.react(to, id, [change.emoji]);
    },
    type: (to, active) => {
      client.type(to, active ? 'composing' : 'paused');
      return Promise.resolve();
    },
    seesTyping: (address) => {
      const told = client.stanzas.findLast(
        (stanza) => stanza.attrs['from']?.split('/')[0] === address && stateOf(stanza) !== undefined,
      );
      return told !== undefined && stateOf(told) === 'composing';
    },
    show: (presence) => {
      client.show(shows[presence]);
      return Promise.resolve();
    },
    sees: (address) => sees(client, address),
    async wear(picture) {
      const id = picture === undefined ? '' : createHash('sha1').update(picture).digest('hex');
      const publish = (node: string, item: string, inside: string) =>
        client.ask(
          'set',
          `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="urn:xmpp:avatar:${node}"><item${item}>${inside}</item></publish></pubsub>`,
        );
      if (picture === undefined) {
        await publish('metadata', '', '<metadata xmlns="urn:xmpp:avatar:metadata"/>');
        return;
      }
      const data = Buffer.from(picture).toString('base64');
      await publish('data', ` id="${id}"`, `<data xmlns="urn:xmpp:avatar:data">${data}</data>`);
      const info = `<info id="${id}" bytes="${String(picture.length)}" type="image/png"/>`;
      await publish(
        'metadata',
        ` id="${id}"`,
        `<metadata xmlns="urn:xmpp:avatar:metadata">${info}</metadata>`,
      );
    },
    async askToSee(address) {
      // Some servers tell the answer to nobody who has not asked for the roster (RFC 6121 §2.2).
      await client.ask('get', '<query xmlns="jabber:iq:roster"/>');
      client.send(`<presence to="${address}" type="subscribe"/>`);
    },
    maySee: (address) =>
      client.stanzas.findLast(
        ({ name, attrs: { from, type = '' } }) =>
          name === 'presence' &&
          from?.split('/')[0] === address &&
          ['subscribed', 'unsubscribed'].includes(type),
      )?.attrs['type'] === 'subscribed',
    async [Symbol.asyncDispose]() {
      gone();
      await client[Symbol.asyncDispose]();
    },
  };
}

async function reflected(client: PlainXmpp, id: string, room: string): Promise<string> {
  const echo = await client.waitFor(
    'its own words in the room',
    ({ name, attrs }) => name === 'message' && attrs['type'] === 'groupchat' && attrs['id'] === id,
  );
  const given = childrenOf(echo, 'stanza-id', 'urn:xmpp:sid:0').find(({ attrs }) => attrs['by'] === room);
  return given?.attrs['id'] ?? id;
}

function stateOf(stanza: Tree): string | undefined {
  return stanza.children.find(
    (one): one is Tree => typeof one !== 'string' && one.xmlns === 'http://jabber.org/protocol/chatstates',
  )?.name;
}

/** The last presence of somebody that a client was told. */
function sees(client: PlainXmpp, address: string): Presence | undefined {
  const of = client.stanzas.filter(
    ({ name, attrs }) =>
      name === 'presence' &&
      attrs['from']?.split('/')[0] === address &&
      (attrs['type'] === undefined || attrs['type'] === 'unavailable'),
  );
  if (of.length === 0) return undefined;
  // Each device speaks for itself, and one that has gone says nothing of the others.
  const last = new Map(of.map((stanza) => [stanza.attrs['from'], stanza]));
  const told = [...last.values()].findLast(({ attrs }) => attrs['type'] === undefined);
  if (told === undefined) return 'offline';
  const show = textOf(child(told, 'show'));
  const names = Object.keys(shows) as Presence[];
  return names.find((presence) => shows[presence] === show) ?? 'available';
}

/**
 * Whether somebody lets a client see that they are here. That they are not is told before anybody has agreed to be seen:
 * Prosody takes a wish to subscribe with it.
 */
function isShown(client: PlainXmpp, address: string): boolean {
  const seen = sees(client, address);
  return seen !== undefined && seen !== 'offline';
}

/** What a stanza means to somebody who reads along. */
function heardOf(stanza: Tree, own: string, rooms: ReadonlyMap<string, string>): readonly Heard[] {
  const { type, from = '' } = stanza.attrs;
  if (stanza.name !== 'message' || type === 'error') return [];
  const bare = from.split('/')[0] ?? from;
  const inRoom = type === 'groupchat';
  if (inRoom && from === `${bare}/${rooms.get(bare) ?? ''}`) return [];
  const who = inRoom || rooms.has(bare) ? { from } : { from: bare };
  const about = { ...who, to: inRoom ? bare : own };
  if (child(stanza, 'retract', 'urn:xmpp:message-retract:1') !== undefined)
    return [{ ...about, text: '', kind: 'retraction' }];
  const reactions = child(stanza, 'reactions', 'urn:xmpp:reactions:0');
  if (reactions !== undefined)
    return childrenOf(reactions, 'reaction').map((one) => ({
      ...about,
      text: textOf(one) ?? '',
      kind: 'reaction',
    }));
  const text = textOf(child(stanza, 'body', 'jabber:client'));
  if (text === undefined) return [];
  const corrects = child(stanza, 'replace', 'urn:xmpp:message-correct:0') !== undefined;
  return [{ ...about, text: said(text), kind: corrects ? 'edit' : 'message' }];
}

/** An act is told without the word that makes it one (XEP-0245). */
function said(text: string): string {
  return text.startsWith('/me ') ? text.slice(4) : text;
}
