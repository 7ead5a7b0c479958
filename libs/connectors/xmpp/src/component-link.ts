/*
 * The link of a component: one stream for all accounts that sit on it. Stanzas go to the account that they are addressed
 * to; who asks for an address that is nobody's is told so, and the domain itself answers for what it is.
 *
 * It connects when somebody takes a seat, and again when somebody comes back to it after a cut; all who come back together
 * share one try.
 */
import type { SessionContext } from '#connector';
import { failure, type Failure } from '#model';
import { Seat, type SeatLink } from './component-seat.js';
import { enterAsComponent } from './core/component.js';
import type { Ending, Stream } from './core/stream.js';
import { xml, type Element } from './core/xml.js';
import { credentialsOf } from './credentials.js';
import { stanzaErrorNamespace } from './stanza-failures.js';
import type { XmppTimings } from './timings.js';
import { infoAnswer, infoNs } from './xep/0030.js';
import { isPing, pingNs } from './xep/0199.js';
import { bareOf, selfOf, type Jid } from './xmpp.addresses.js';
import type { XmppSettings } from './xmpp.settings.js';
import type { WayIn } from './way-in.js';

/** With more than that unread, the server is told nothing about strangers' mistakes. */
const busyBacklog = 65_536;
const farewellMs = 400;
const identity = { category: 'gateway', type: 'xmpp', name: 'Parley' };

export interface ComponentLinkOptions {
  readonly context: SessionContext;
  readonly settings: XmppSettings;
  /** The component's own domain, prepared. */
  readonly domain: string;
  readonly timings: XmppTimings;
}

type Connected = { readonly stream: Stream } | { readonly failure: Failure } | 'closed';

export class ComponentLink implements SeatLink {
  readonly #options: ComponentLinkOptions;
  readonly #seats = new Map<string, Seat>();
  readonly #touched = new Set<Seat>();
  readonly #held = new Set<Seat>();
  readonly #ending = new AbortController();
  #stream: Stream | undefined;
  #connecting: Promise<Connected> | undefined;
  /** Why the last try failed, and who knows it: the others are told, and whoever comes again brings about another. */
  #failed: { readonly failure: Failure; readonly told: Set<string> } | undefined;

  constructor(options: ComponentLinkOptions) {
    this.#options = options;
  }

  /** A seat for an address, over the link as it stands or as it comes to stand. Never rejects. */
  async enter(jid: Jid, signal: AbortSignal): Promise<WayIn> {
    const { bare } = selfOf(jid);
    const connected = await this.#connected(bare);
    if (signal.aborted || connected === 'closed') return { way: 'closed' };
    if ('failure' in connected) {
      this.#failed?.told.add(bare);
      return { way: 'none', failure: connected.failure };
    }
    if (this.#stream !== connected.stream) return { way: 'none', failure: cut };
    const seat = new Seat(this, jid);
    this.#seats.get(seat.bare)?.destroy();
    this.#seats.set(seat.bare, seat);
    return { way: 'in', stream: seat, features: xml('features') };
  }

  /** Ends the link in order, when everybody has left. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#stream?.close();
  }

  /** Ends it now. */
  destroy(): void {
    this.#ending.abort();
    this.#stream?.destroy();
  }

  get secure(): boolean {
    return this.#stream?.secure === true;
  }

  get backlog(): number {
    return this.#stream?.backlog ?? 0;
  }

  get domain(): string {
    return this.#options.domain;
  }

  says(payload: Element): Element | undefined {
    const asks = payload.is('query', infoNs) && payload.attrs['node'] === undefined;
    return asks ? infoAnswer([identity], [infoNs, pingNs]) : undefined;
  }

  write(stanza: Element): void {
    this.#stream?.send(stanza);
  }

  hold(seat: Seat): void {
    this.#held.add(seat);
    this.#stream?.pause();
  }

  ease(seat: Seat): void {
    if (this.#held.delete(seat) && this.#held.size === 0) this.#stream?.resume();
  }

  leave(seat: Seat): void {
    if (this.#seats.get(seat.bare) === seat) this.#seats.delete(seat.bare);
    this.#touched.delete(seat);
    this.ease(seat);
  }

  lost(why: Failure): void {
    this.#stream?.destroy(why);
  }

  async #connected(who: string): Promise<Connected> {
    if (this.#stream !== undefined) return { stream: this.#stream };
    if (this.#connecting === undefined && this.#failed?.told.has(who) === false) return this.#failed;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Connected> {
    const { context, settings, domain, timings } = this.#options;
    const { password: secret, clientKey } = credentialsOf(await context.secrets());
    if (secret === undefined) return this.#fail(failure('auth-required', 'The component needs its secret.'));
    const target = {
      host: settings.host ?? domain,
      port: settings.port,
      directTls: settings.security === 'direct',
    };
    const turn = await context.turn({ host: target.host, port: target.port });
    if (turn.turn === 'closed' || this.#isEnding()) return 'closed';
    if (turn.turn === 'refused') return this.#fail(turn.failure);
    const entered = await enterAsComponent({
      clock: context.clock,
      target,
      addresses: turn.addresses,
      domain,
      secret,
      tls: { ...settings, ...(clientKey !== undefined && { clientKey }) },
      // The accounts have taken their time for a farewell already.
      timings: { ...timings, close: Math.min(farewellMs, timings.close) },
      signal: this.#ending.signal,
    });
    if (!entered.ok) return this.#isEnding() ? 'closed' : this.#fail(entered.failure);
    const { stream } = entered;
    this.#stream = stream;
    this.#failed = undefined;
    stream.handle({
      element: (stanza) => {
        this.#hear(stanza);
      },
      lull: () => {
        for (const seat of [...this.#touched]) seat.lull();
        this.#touched.clear();
      },
      drained: () => {
        for (const seat of [...this.#seats.values()]) seat.drained();
      },
      ended: (ending) => {
        this.#ended(stream, ending);
      },
    });
    return { stream };
  }

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #fail(why: Failure): Connected {
    this.#failed = { failure: why, told: new Set() };
    return { failure: why };
  }

  #ended(stream: Stream, ending: Ending): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#held.clear();
    this.#touched.clear();
    const seats = [...this.#seats.values()];
    this.#seats.clear();
    for (const seat of seats) seat.end(ending);
  }

  #hear(stanza: Element): void {
    const to = bareOf(stanza.attrs['to']);
    const seat = to === undefined ? undefined : this.#seats.get(to);
    if (seat !== undefined) {
      this.#touched.add(seat);
      seat.hear(stanza);
    } else if (to === this.#options.domain) {
      this.#asked(stanza);
    } else {
      this.#bounce(stanza, 'item-not-found');
    }
  }

  /** What the domain itself is asked: whether it is there (accounts ask, to know how far the server has come), and what it is. */
  #asked(stanza: Element): void {
    const [payload] = stanza.getChildElements();
    const asks = stanza.getName() === 'iq' && stanza.attrs['type'] === 'get' && payload !== undefined;
    const said = asks ? this.says(payload) : undefined;
    if (said !== undefined || (asks && isPing(payload))) this.#reply(stanza, 'result', said);
    else this.#bounce(stanza, 'service-unavailable');
  }

  /** Presence asks for no answer, an answer must not get one, and neither does a message that wants none. */
  #bounce(stanza: Element, condition: string): void {
    const { type } = stanza.attrs;
    const name = stanza.getName();
    const wants = name === 'iq' ? type === 'get' || type === 'set' : name === 'message' && type !== 'error';
    if (!wants || this.backlog > busyBacklog) return;
    this.#reply(
      stanza,
      'error',
      xml('error', { type: 'cancel' }, xml(condition, { xmlns: stanzaErrorNamespace })),
    );
  }

  #reply(stanza: Element, type: 'result' | 'error', payload?: Element): void {
    const { from, to, id } = stanza.attrs;
    if (from !== undefined) this.write(xml(stanza.getName(), { type, id, from: to, to: from }, payload));
  }
}

const cut = failure('network-unreachable', 'The connection was cut.');

/** Whether an address is one that a component may speak for: somebody of its own domain. */
export function sitsOn(jid: Jid | undefined, domain: string): jid is Jid {
  return jid?.local !== undefined && jid.resource === undefined && selfOf(jid).domain === domain;
}
