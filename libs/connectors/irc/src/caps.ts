/*
 * Capability negotiation (IRCv3 capability-negotiation, version 302): what the server offers, what we ask for, what
 * holds. It goes on after the registration: with cap-notify, implied by 302, the server offers new ones (NEW) and takes
 * others back (DEL), and what we do follows.
 *
 * What a server acknowledges without having been asked does not hold. What it refuses in company is asked for alone.
 */
import { wantedCapabilities } from './capabilities.js';

const wanted: ReadonlySet<string> = new Set(wantedCapabilities);

/** More than any server offers; what comes after them is not remembered. */
const mostOffered = 300;
/** A line of 512 bytes, less what stands before the list. */
const mostBytes = 400;

export interface CapsHandler {
  send(line: string): void;
  /** The list is complete: the first time, and whenever something new is offered. */
  offered(): void;
  /** Everything that was asked for has been answered. */
  settled(): void;
  /** What holds has changed. */
  changed(): void;
}

export class Caps {
  readonly #handler: CapsHandler;
  readonly #offered = new Map<string, string>();
  readonly #enabled = new Set<string>();
  /** What was asked for, line by line, and is not answered yet. */
  #asked: Set<string>[] = [];
  /** Refused even alone: not asked for again until the server has taken it back and offers it anew. */
  readonly #hopeless = new Set<string>();
  /** Lines of a list that has not ended. */
  #listing = false;

  constructor(handler: CapsHandler) {
    this.#handler = handler;
  }

  /** Whether a capability holds now. */
  has(name: string): boolean {
    return this.#enabled.has(name);
  }

  /** What a capability is offered with, as `PLAIN,EXTERNAL` of `sasl`; undefined where it is not offered. */
  offer(name: string): string | undefined {
    return this.#offered.get(name);
  }

  /** Names of what holds. */
  get enabled(): ReadonlySet<string> {
    return this.#enabled;
  }

  /** Asks for what is offered and wanted. `settled` follows in any case. */
  ask(more: readonly string[] = []): void {
    // In a line of its own: it must not be refused because of its company.
    for (const name of more) if (this.#may(name)) this.#request([name]);
    const line: string[] = [];
    for (const name of this.#offered.keys()) {
      if (!wanted.has(name) || !this.#may(name)) continue;
      if ([...line, name].join(' ').length > mostBytes) this.#request(line.splice(0));
      line.push(name);
    }
    if (line.length > 0) this.#request(line);
    if (this.#asked.length === 0) this.#handler.settled();
  }

  /** Takes in the parameters of a CAP: our nick, the subcommand, perhaps `*`, the list. */
  take(parameters: readonly string[]): void {
    const list = (parameters.at(-1) ?? '').split(' ').filter((one) => one !== '');
    switch (parameters[1]?.toUpperCase() ?? '') {
      case 'LS':
        if (!this.#listing) this.#offered.clear();
        this.#offer(list);
        // "More follows" is a parameter of its own before the list.
        this.#listing = parameters.length > 3 && parameters[2] === '*';
        if (!this.#listing) this.#handler.offered();
        return;
      case 'NEW':
        this.#offer(list);
        this.#handler.offered();
        return;
      case 'DEL': {
        let changed = false;
        for (const name of list.map(nameOf)) {
          this.#offered.delete(name);
          this.#hopeless.delete(name);
          changed = this.#enabled.delete(name) || changed;
        }
        if (changed) this.#handler.changed();
        return;
      }
      case 'ACK':
        this.#acknowledged(list);
        return;
      case 'NAK':
        this.#refused(list.map(nameOf));
        return;
      default:
      // LIST and what is to come: nothing that we have asked for.
    }
  }

  #may(name: string): boolean {
    return (
      this.#offered.has(name) &&
      !this.#enabled.has(name) &&
      !this.#hopeless.has(name) &&
      !this.#asked.some((line) => line.has(name))
    );
  }

  #request(names: readonly string[]): void {
    this.#asked.push(new Set(names));
    this.#handler.send(`CAP REQ :${names.join(' ')}`);
  }

  #offer(list: readonly string[]): void {
    for (const one of list) {
      const name = nameOf(one);
      if (this.#offered.size >= mostOffered && !this.#offered.has(name)) continue;
      this.#offered.set(name, one.slice(name.length + 1));
    }
  }

  #acknowledged(list: readonly string[]): void {
    let [changed, answered] = [false, false];
    for (const one of list) {
      if (one.startsWith('-')) {
        changed = this.#enabled.delete(one.slice(1)) || changed;
        continue;
      }
      const name = nameOf(one);
      const line = this.#asked.find((asked) => asked.delete(name));
      if (line === undefined) continue;
      this.#enabled.add(name);
      [changed, answered] = [true, true];
    }
    if (changed) this.#handler.changed();
    if (answered) this.#settle();
  }

  /** A refusal is of the whole line. Some servers repeat only its beginning, or nothing. */
  #refused(names: readonly string[]): void {
    const at = this.#asked.findIndex((line) => names.length === 0 || names.some((name) => line.has(name)));
    if (at === -1) return;
    const [line = new Set<string>()] = this.#asked.splice(at, 1);
    for (const name of line) {
      if (line.size > 1) this.#request([name]);
      else this.#hopeless.add(name);
    }
    this.#settle();
  }

  #settle(): void {
    this.#asked = this.#asked.filter((line) => line.size > 0);
    if (this.#asked.length === 0) this.#handler.settled();
  }
}

/** Without modifiers of old servers (`~`, `=`) and without the value. */
function nameOf(one: string): string {
  return one.replace(/^[~=]+/, '').split('=')[0] ?? '';
}
