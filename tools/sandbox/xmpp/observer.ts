/* Somebody who uses the server without a socket: what they say and hear does not come from the code under test. */
import { all, child, copy, el, elements, has, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import { answerOf } from './observer-answers.js';
import { endSession } from './presence.js';
import { Session, type Carrier } from './session.js';
import { form } from './stanzas.js';
import type { World } from './world.js';
import { until } from '../until.js';

/** What an observer has heard, in short. */
export interface Overheard {
  readonly from: string;
  /** The bare address of the room, or the observer's own. */
  readonly to: string;
  readonly text: string;
  readonly kind: 'message' | 'edit' | 'retraction' | 'reaction';
  /** The id by which it may be reacted to and answered: the room's own in a room. */
  readonly id: string;
}

interface Said {
  readonly to: string;
  readonly text: string;
  readonly id: string;
}

export class SandboxObserver implements Carrier, Disposable {
  readonly #world: World;
  readonly #session: Session;
  readonly #stanzas: Element[] = [];
  readonly #said: Said[] = [];
  readonly #waiting = new Map<string, (answer: Element) => void>();
  readonly #rooms = new Map<string, string>();
  readonly #presences = new Map<string, Element>();
  readonly #typing = new Map<string, boolean>();
  /** Told of everything that is heard, as it comes. */
  hears: ((heard: Overheard) => void) | undefined;
  #made = 0;

  constructor(world: World, name: string, resource: string) {
    this.#world = world;
    const account = world.accounts.get(name.toLowerCase()) ?? world.addAccount({ name });
    this.#session = new Session(world, account, resource, this);
    account.sessions.set(resource, this.#session);
    this.send(stanza('iq', { type: 'get', id: 'roster' }, el('query', ns.roster)));
    this.send(stanza('presence', {}));
  }

  get address(): string {
    return this.#session.account.bare;
  }

  get fullAddress(): string {
    return this.#session.full;
  }

  /** Every stanza that has come. */
  get stanzas(): readonly Element[] {
    return this.#stanzas;
  }

  // ---- the carrier of the session ----

  give(element: Element): void {
    if (element.attrs['xmlns'] !== ns.client) return;
    const one = copy(element);
    this.#stanzas.push(one);
    // The server is in the middle of something: what is said to it waits.
    queueMicrotask(() => {
      this.#take(one);
    });
  }

  ended(): void {
    this.hears = undefined;
  }

  // ---- what an observer does ----

  /** Sends a stanza as it is. */
  send(given: Element): void {
    this.#world.route(given, this.#session);
  }

  /** Asks somebody; resolves with the answer, whatever it is. */
  async ask(type: 'get' | 'set', to: string | undefined, content: Element): Promise<Element> {
    const id = `ask-${String(++this.#made)}`;
    const answered = new Promise<Element>((done) => this.#waiting.set(id, done));
    this.send(stanza('iq', { type, to, id }, content));
    return answered;
  }

  /** Says something to a person or in a room where the observer is; gives its id. */
  say(to: string, words: string, ...more: readonly Element[]): string {
    const id = `said-${String(++this.#made)}`;
    const type = this.#rooms.has(to) ? 'groupchat' : 'chat';
    this.send(stanza('message', { to, id, type }, el('body', {}, words), ...more));
    this.#said.push({ to, text: words, id });
    return id;
  }

  /** Changes what was said last with these words. */
  change(
    to: string,
    said: string,
    change:
      | { readonly kind: 'edit'; readonly text: string }
      | { readonly kind: 'retraction' }
      | { readonly kind: 'reaction'; readonly emoji: string },
  ): void {
    const isRoom = this.#rooms.has(to);
    const own = this.#said.findLast((one) => one.to === to && one.text === said)?.id;
    const heard = this.heard().findLast((one) => one.text === said && (isRoom ? one.to === to : true));
    const id = isRoom && change.kind !== 'edit' ? heard?.id : (own ?? heard?.id);
    if (id === undefined) throw new Error(`${this.address} knows of no “${said}”`);
    if (change.kind === 'reaction') this.react(to, id, change.emoji);
    else if (change.kind === 'retraction') this.retract(to, id);
    else this.#send(to, el('body', {}, change.text), el('replace', { xmlns: ns.correct, id }));
  }

  /** Reacts to a message with one emoji (XEP-0444). */
  react(to: string, id: string, emoji: string): void {
    const reactions = el('reactions', { xmlns: ns.reactions, id }, el('reaction', {}, emoji));
    this.#send(to, reactions, el('store', ns.hints));
  }

  /** Takes a message back (XEP-0424). */
  retract(to: string, id: string): void {
    this.#send(
      to,
      el('retract', { xmlns: ns.retract, id }),
      el('body', {}, 'This person attempted to retract a previous message.'),
      el('fallback', { xmlns: 'urn:xmpp:fallback:0', for: ns.retract }),
      el('store', ns.hints),
    );
  }

  setSubject(room: string, words: string): void {
    this.send(stanza('message', { to: room, type: 'groupchat' }, el('subject', {}, words)));
  }

  /** Says something and waits for the id by which all may speak of it: the room's own in a room. */
  async told(to: string, words: string): Promise<string> {
    const id = this.say(to, words);
    if (!this.#rooms.has(to)) return id;
    const echo = await this.waitFor(
      'the echo',
      ({ attrs }) => attrs['id'] === id && attrs['type'] === 'groupchat',
    );
    return child(echo, 'stanza-id', ns.sid)?.attrs['id'] ?? id;
  }

  /** Sends a link as a file (XEP-0066). */
  sendLink(to: string, url: string): void {
    this.say(to, url, el('x', ns.oob, el('url', {}, url)));
  }

  type(to: string, isActive: boolean): void {
    const type = this.#rooms.has(to) ? 'groupchat' : 'chat';
    this.send(stanza('message', { to, type }, el(isActive ? 'composing' : 'active', ns.chatStates)));
  }

  /** Shows a presence to whoever may see it; `unavailable` too. */
  show(show: 'chat' | 'away' | 'xa' | 'dnd' | 'unavailable' | undefined, status?: string): void {
    const words = status === undefined ? undefined : el('status', {}, status);
    const given =
      show === 'unavailable'
        ? stanza('presence', { type: 'unavailable' }, words)
        : stanza('presence', {}, show && el('show', {}, show), words);
    this.send(given);
    for (const [room, nick] of this.#rooms) this.send(copy(given, { to: `${room}/${nick}` }));
  }

  /** Asks to see somebody, and lets them see: what somebody asks is granted. */
  befriend(address: string): void {
    this.send(stanza('presence', { to: address, type: 'subscribe' }));
    this.send(stanza('presence', { to: address, type: 'subscribed' }));
  }

  /** Enters a room, and opens it if it is new. */
  async join(room: string, nick = this.#session.account.name): Promise<void> {
    this.#rooms.set(room, nick);
    this.send(stanza('presence', { to: `${room}/${nick}` }, el('x', ns.muc)));
    const entered = await until(`${nick} is in ${room}`, () =>
      this.#stanzas.findLast(
        (one) =>
          one.name === 'presence' &&
          one.attrs['from']?.startsWith(`${room}/`) === true &&
          (one.attrs['type'] === 'error' ||
            all(child(one, 'x', ns.mucUser), 'status').some(({ attrs }) => attrs['code'] === '110')),
      ),
    );
    if (entered.attrs['type'] === 'error') throw new Error(`${nick} is not let into ${room}`);
    const isNew = all(child(entered, 'x', ns.mucUser), 'status').some(({ attrs }) => attrs['code'] === '201');
    if (!isNew) return;
    const chosen = form('submit', 'http://jabber.org/protocol/muc#roomconfig', {});
    await this.ask('set', room, el('query', ns.mucOwner, chosen));
  }

  leave(room: string): void {
    const nick = this.#rooms.get(room) ?? '';
    this.#rooms.delete(room);
    this.send(stanza('presence', { to: `${room}/${nick}`, type: 'unavailable' }));
  }

  // ---- what an observer has heard ----

  /** What was said to the observer, in order, without what they said themselves. */
  heard(): readonly Overheard[] {
    return this.#stanzas.flatMap((one) => this.#overheard(one) ?? []);
  }

  /** Waits for a stanza that satisfies. */
  async waitFor(
    sentence: string,
    look: (stanza: Element) => boolean,
    { after = 0, deadlineMs }: { readonly after?: number; readonly deadlineMs?: number } = {},
  ): Promise<Element> {
    return until(`${this.address} sees ${sentence}`, () => this.#stanzas.slice(after).find(look), deadlineMs);
  }

  /** Waits until these words were heard. */
  async hearing(words: string, deadlineMs?: number): Promise<Overheard> {
    return until(
      `${this.address} hears “${words}”`,
      () => this.heard().find((one) => one.text === words),
      deadlineMs,
    );
  }

  /** The latest presence seen of a full address, or of any resource of a bare one. */
  sees(address: string): Element | undefined {
    const exact = this.#presences.get(address);
    if (exact !== undefined) return exact;
    const ofBare = [...this.#presences].filter(([from]) => from.startsWith(`${address}/`));
    return (ofBare.find(([, one]) => one.attrs['type'] === undefined) ?? ofBare.at(-1))?.[1];
  }

  /** Whether an address was last seen to be writing. */
  seesTyping(address: string): boolean {
    return this.#typing.get(address) ?? this.#typing.get(address.split('/')[0] ?? '') ?? false;
  }

  [Symbol.dispose](): void {
    endSession(this.#session);
  }

  #send(to: string, ...content: readonly Element[]): void {
    const type = this.#rooms.has(to) ? 'groupchat' : 'chat';
    this.send(stanza('message', { to, id: `change-${String(++this.#made)}`, type }, ...content));
  }

  #overheard(one: Element): Overheard | undefined {
    const { from = '', type = 'normal', id = '' } = one.attrs;
    if (one.name !== 'message' || type === 'error' || type === 'headline') return undefined;
    const [room = '', nick = ''] = from.split('/');
    const isRoom = type === 'groupchat';
    if (isRoom && (nick === '' || nick === this.#rooms.get(room))) return undefined;
    const given = child(one, 'stanza-id', ns.sid)?.attrs['id'];
    const base = {
      from: isRoom ? from : has(one, ns.mucUser) ? from : room,
      to: isRoom ? room : this.address,
      id: isRoom ? (given ?? id) : id,
    };
    const body = child(one, 'body');
    if (child(one, 'retract', ns.retract)) return { ...base, text: '', kind: 'retraction' };
    const reactions = child(one, 'reactions', ns.reactions);
    if (reactions) return { ...base, text: elements(reactions).map(text).join(''), kind: 'reaction' };
    if (body === undefined) return undefined;
    return { ...base, text: text(body), kind: child(one, 'replace', ns.correct) ? 'edit' : 'message' };
  }

  #take(one: Element): void {
    const { from = '', type, id = '' } = one.attrs;
    if (one.name === 'iq') this.#question(one, type, id);
    else if (one.name === 'presence') {
      if (type === undefined || type === 'unavailable') this.#presences.set(from, one);
      else if (type === 'subscribe') this.send(stanza('presence', { to: from, type: 'subscribed' }));
    } else {
      const isTyping = has(one, ns.chatStates, 'composing');
      const says = has(one, ns.chatStates) || child(one, 'body') !== undefined;
      if (says) {
        this.#typing.set(from, isTyping);
        this.#typing.set(from.split('/')[0] ?? '', isTyping);
      }
      if (child(one, 'request', ns.receipts) && type !== 'groupchat' && type !== 'error') {
        this.send(stanza('message', { to: from, type }, el('received', { xmlns: ns.receipts, id })));
      }
      const heard = this.#overheard(one);
      if (heard !== undefined) this.hears?.(heard);
    }
  }

  #question(iq: Element, type: string | undefined, id: string): void {
    if (type === 'result' || type === 'error') {
      this.#waiting.get(id)?.(iq);
      this.#waiting.delete(id);
      return;
    }
    this.send(answerOf(iq));
  }
}
