/* Somebody who lives on the demo's XMPP server, without a socket. */
import type { SandboxObserver, SandboxXmpp } from '#sandbox';
import type { Resident, ResidentHandler } from './resident.js';

/** Marks of IRC, as XEP-0393 writes them; colours have none. */
const marks: readonly (readonly [RegExp, string])[] = [
  [/\x02/g, '*'],
  [/\x1d/g, '_'],
  [/\x11/g, '`'],
  [/\x03(?:\d\d)?/g, ''],
];

export class XmppResident implements Resident {
  readonly nick: string;
  readonly #observer: SandboxObserver;
  isAway = false;

  private constructor(nick: string, observer: SandboxObserver) {
    this.nick = nick;
    this.#observer = observer;
  }

  /** Comes to the server and enters a room. */
  static async arrive(
    nick: string,
    server: SandboxXmpp,
    room: string,
    handler: ResidentHandler,
  ): Promise<Resident> {
    const observer = server.observer(nick, 'home');
    const resident = new XmppResident(nick, observer);
    await observer.join(room);
    observer.hears = ({ kind, from, to, text, id }) => {
      if (kind !== 'message') return;
      const name = to === room ? from.slice(room.length + 1) : (from.split('@')[0] ?? from);
      handler.heard({ from: name, address: from, to, text, msgid: id }, resident);
    };
    return resident;
  }

  async say(to: string, text: string): Promise<string | undefined> {
    const plain = marks.reduce((said, [pattern, mark]) => said.replace(pattern, mark), text);
    return this.#observer.told(to, plain);
  }

  async act(to: string, what: string): Promise<string | undefined> {
    return this.say(to, `/me ${what}`);
  }

  async sayLines(to: string, lines: readonly string[]): Promise<string | undefined> {
    return this.say(to, lines.join('\n'));
  }

  typing(to: string, isActive: boolean): void {
    this.#observer.type(to, isActive);
  }

  react(to: string, msgid: string | undefined, emoji: string): void {
    if (msgid !== undefined) this.#observer.react(to, msgid, emoji);
  }

  takeBack(to: string, msgid: string | undefined): void {
    if (msgid !== undefined) this.#observer.retract(to, msgid);
  }

  setTopic(room: string, topic: string): void {
    this.#observer.setSubject(room, topic);
  }

  goAway(why: string | undefined): void {
    this.isAway = why !== undefined;
    this.#observer.show(why === undefined ? undefined : 'away', why);
  }

  leave(): void {
    this.#observer[Symbol.dispose]();
  }
}
