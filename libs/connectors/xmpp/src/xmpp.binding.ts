/*
 * One bound resource of one account: its crew, and what they hear. It lives from the bind to its end, over as many streams
 * as resume it; a stream that is not resumed ends it, and the next begins with another.
 */
import type {
  HistoryAsk,
  HistoryOutcome,
  OutboundEnvelope,
  Place,
  RequestOutcome,
  SendOutcome,
  SessionRequest,
} from '#connector';
import { Timers } from '#connector/session';
import type { IqReply, Port } from './core/port.js';
import { peopleRequestKinds } from './people-requests.js';
import { xml, type Element } from './core/xml.js';
import { commandRequestKinds } from './command-requests.js';
import { crewOf, type Crew, type Parts } from './crew.js';
import type { Fate } from './resolving.js';
import { stanzaErrorNamespace } from './stanza-failures.js';

/** Elements and texts directly in a message or presence; usual ones hold ten. */
const mostChildren = 1_000;

export class Binding {
  readonly crew: Crew;
  readonly #port: Port;
  readonly #parts: Parts;
  #online = false;
  #over = false;

  constructor(parts: Omit<Parts, 'timers'>) {
    this.#parts = { ...parts, timers: new Timers(parts.context.clock) };
    this.#port = parts.port;
    this.crew = crewOf(this.#parts);
  }

  get isOnline(): boolean {
    return this.#online && !this.#over;
  }

  /** The stream stands. */
  online(how: 'new' | 'resumed'): void {
    this.#online = true;
    for (const service of this.crew.services) service.online?.(how);
    this.lull();
  }

  /** Resolves when others can reach us, or never will. */
  async visible(): Promise<void> {
    await this.crew.people.visible;
  }

  /** The stream is broken, and may be resumed once what was heard over it is stored. */
  suspended(): void {
    this.#online = false;
    this.lull();
  }

  /** We are about to go: nothing new is sent. */
  leaving(): void {
    this.#online = false;
  }

  /** Takes a stanza that answers no question of ours. */
  hear(stanza: Element): void {
    const { type } = stanza.attrs;
    // Everybody of the crew looks through what stands in it: what nobody writes is not looked through.
    if (stanza.getName() !== 'iq' && stanza.children.length > mostChildren)
      stanza.children.length = mostChildren;
    try {
      if (stanza.getName() === 'iq' && (type === 'get' || type === 'set')) this.#asked(stanza);
      else this.crew.services.some((service) => service.hear?.(stanza) === true);
    } catch (error) {
      // A mistake of ours, found by a stanza: it must not end all that this process carries.
      const { account, context } = this.#parts;
      context.log.warn(
        { account, error: String(error), name: stanza.getName() },
        'a stanza could not be taken',
      );
    }
  }

  /** Hands what has gathered to the house. */
  lull(): void {
    // How far an archive was taken in is noted with what was taken; nothing else has to be written down at once.
    const { inlet } = this.#parts;
    inlet.flush(inlet.isEmpty ? [] : this.crew.past.notes());
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    if (envelope.conversationKind === 'direct') this.crew.rooms.spokenTo(envelope.to);
    return this.crew.talk.send(envelope, signal);
  }

  /** Our person wishes otherwise than before. */
  wished(what: 'rooms' | 'contacts' | 'presence'): void {
    for (const service of this.crew.services) service.wished?.(what);
    this.lull();
  }

  async request(request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const { requests, peopleRequests, commandRequests } = this.crew;
    if (commandRequestKinds.includes(request.kind)) return commandRequests.request(request, signal);
    const asked = peopleRequestKinds.includes(request.kind) ? peopleRequests : requests;
    return asked.request(request, signal);
  }

  async history(ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    return this.crew.past.history(ask, signal);
  }

  async resolve(envelope: OutboundEnvelope, signal: AbortSignal): Promise<Fate> {
    return this.crew.past.resolve(envelope, signal);
  }

  markRead(conversation: string, upTo: Place): void {
    this.crew.talk.markRead(conversation, upTo);
    this.crew.past.markRead(conversation, upTo);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#online = false;
    for (const service of this.crew.services) service.ended?.();
    this.#parts.timers.clear();
  }

  /** Every question is answered, if only by saying that it is not understood (RFC 6120 §8.2.3). */
  #asked(iq: Element): void {
    const [payload, ...more] = iq.getChildElements();
    const { from, id } = iq.attrs;
    const reply: IqReply = {
      result: (answer) => {
        this.#port.send(xml('iq', { type: 'result', to: from, id }, answer));
      },
      error: (type, condition) => {
        const error = xml('error', { type }, xml(condition, { xmlns: stanzaErrorNamespace }));
        this.#port.send(xml('iq', { type: 'error', to: from, id }, error));
      },
    };
    if (payload === undefined || more.length > 0 || id === undefined) reply.error('modify', 'bad-request');
    else if (!this.crew.services.some((service) => service.asked?.(iq, payload, reply) === true)) {
      reply.error('cancel', 'service-unavailable');
    }
  }
}
