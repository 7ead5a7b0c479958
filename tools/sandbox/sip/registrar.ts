/* Who is where: the registrar of RFC 3261 §10.3, which also remembers by which flow each contact came (RFC 5626). */
import {
  formatNameAddr,
  parseCSeq,
  parseNameAddr,
  parseSeconds,
  parseUri,
  sameUri,
  type Flow,
  type Incoming,
  type NameAddr,
} from '#protocols/sip';

export interface Binding {
  /** The contact as it was written. */
  readonly uri: string;
  /** The contact with its name and parameters. */
  readonly contact: NameAddr;
  readonly flow: Flow;
  readonly callId: string;
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const usualExpires = 3_600;
const mostBindings = 20;

export class Registrar {
  readonly #bindings = new Map<string, readonly Binding[]>();
  readonly #least: number;
  readonly #changed: (user: string) => void;

  /** @param changed is told of a user with a new or a refreshed contact. */
  constructor(leastExpires: number, changed: (user: string) => void) {
    this.#least = leastExpires;
    this.#changed = changed;
  }

  /** Where a user is, the last one to register first. */
  bindings(user: string): readonly Binding[] {
    const now = Date.now();
    return (this.#bindings.get(user) ?? []).filter(({ until, flow }) => until > now && flow.isOpen);
  }

  forget(): void {
    this.#bindings.clear();
  }

  /** Takes a REGISTER of somebody who has proved to be this user. */
  take(user: string, incoming: Incoming): void {
    const { headers } = incoming.request;
    const contacts = headers.list('contact');
    const callId = headers.get('call-id') ?? '';
    const sequence = parseCSeq(headers.get('cseq') ?? '')?.number ?? 0;
    let kept = this.bindings(user);
    if (contacts.includes('*')) {
      if (contacts.length > 1 || parseSeconds(headers.get('expires')) !== 0) {
        incoming.respond(400, { reason: 'Contact * needs Expires 0' });
        return;
      }
      kept = [];
    } else {
      for (const contact of contacts) {
        const address = parseNameAddr(contact);
        const uri = parseUri(address?.uri ?? '');
        if (address === undefined || uri === undefined) {
          incoming.respond(400, { reason: 'Malformed Contact' });
          return;
        }
        const own = address.params.get('expires');
        const expires =
          parseSeconds(typeof own === 'string' ? own : undefined) ??
          parseSeconds(headers.get('expires')) ??
          usualExpires;
        if (expires > 0 && expires < this.#least) {
          incoming.respond(423, { headers: { 'min-expires': String(this.#least) } });
          return;
        }
        const before = kept.find((one) => isSame(one.uri, address.uri));
        if (before?.callId === callId && before.sequence >= sequence) {
          incoming.respond(500, { reason: 'CSeq Of The Past' });
          return;
        }
        kept = kept.filter((one) => one !== before);
        if (expires === 0) continue;
        const until = Date.now() + Math.min(expires, usualExpires) * 1_000;
        kept = [
          { uri: address.uri, contact: address, flow: incoming.flow, callId, sequence, until },
          ...kept,
        ].slice(0, mostBindings);
      }
    }
    this.#bindings.set(user, kept);
    const now = Date.now();
    incoming.respond(200, {
      headers: {
        contact: kept.map(({ contact, until }) => {
          const expires = String(Math.ceil((until - now) / 1_000));
          return formatNameAddr({ ...contact, params: new Map([...contact.params, ['expires', expires]]) });
        }),
        date: new Date().toUTCString(),
      },
    });
    if (kept.length > 0) this.#changed(user);
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [parseUri(a), parseUri(b)];
  return one !== undefined && other !== undefined && sameUri(one, other);
}
