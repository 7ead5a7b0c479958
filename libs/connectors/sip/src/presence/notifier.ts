/*
 * Those who subscribe to our person's presence with us (RFC 6665, 3856), where no server does it for us: each waits until our
 * person lets them, sees, or is refused, as the answers say; and is told of every change, not too often.
 */
import type { InboundParty } from '#connector';
import type { PresenceState } from '#model';
import {
  contactOf,
  Dialog,
  dialogIdOf,
  parseParameterised,
  parseSeconds,
  pidfType,
  tagOf,
  type Incoming,
} from '#protocols/sip';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import type { Askers } from './askers.js';
import { Watcher } from './watcher.js';

const usualExpires = 3_600;
const leastExpires = 60;
const mostWatchers = 500;
/** A phone that has lost its memory subscribes anew; a hostile one does so without end. */
const mostOfOne = 10;

export class Notifier implements Service {
  readonly methods = ['SUBSCRIBE'];
  readonly #parts: Parts;
  readonly #askers: Askers;
  readonly #watchers = new Map<string, Watcher>();
  #state: PresenceState;

  constructor(parts: Parts, askers: Askers, state: PresenceState) {
    this.#parts = parts;
    this.#askers = askers;
    this.#state = state;
  }

  /** Our person is reachable otherwise from now on. */
  setPresence(state: PresenceState): void {
    this.#state = state;
    for (const watcher of this.#watchers.values()) watcher.changed(state);
  }

  /** The answers of our person have changed; `askers` has them. */
  setAdmissions(): void {
    for (const watcher of [...this.#watchers.values()]) {
      const answer = this.#askers.answerTo(watcher.party.address);
      if (answer === 'deny') void watcher.end('rejected');
      else watcher.admit(answer === 'approve');
    }
  }

  offline(): void {
    for (const watcher of [...this.#watchers.values()]) watcher.drop();
  }

  /** They are told to ask again, wherever we are by then. */
  async leave(): Promise<void> {
    await Promise.all([...this.#watchers.values()].map((watcher) => watcher.end('deactivated')));
  }

  takes({ request }: Incoming): boolean {
    // Of a dialog: one of ours, or of none.
    return (
      tagOf(request.headers.get('to')) === undefined || this.#watchers.has(dialogIdOf(request, 'uas') ?? '')
    );
  }

  take(incoming: Incoming): void {
    const { headers } = incoming.request;
    const event = parseParameterised(headers.get('event') ?? '');
    if (event?.value.toLowerCase() !== 'presence') {
      incoming.respond(489, { headers: { 'allow-events': 'presence' } });
      return;
    }
    const accepted = headers.tokens('accept').map((one) => one.split(';')[0]?.trim().toLowerCase());
    if (
      accepted.length > 0 &&
      !accepted.some((one) => one === pidfType || one === '*/*' || one === 'application/*')
    ) {
      incoming.respond(406, { headers: { accept: pidfType } });
      return;
    }
    const asked = parseSeconds(headers.get('expires')) ?? usualExpires;
    if (asked > 0 && asked < leastExpires) {
      incoming.respond(423, { headers: { 'min-expires': String(leastExpires) } });
      return;
    }
    const expires = Math.min(asked, usualExpires);
    const known = this.#watchers.get(dialogIdOf(incoming.request, 'uas') ?? '');
    if (known === undefined) this.#begin(incoming, expires);
    else known.refresh(incoming, expires);
  }

  #begin(incoming: Incoming, expires: number): void {
    const { line } = this.#parts;
    const { request } = incoming;
    const party = line.authorOf(incoming);
    // Without a Contact there is nobody to tell (RFC 6665 §8.2, table).
    if (party === undefined || contactOf(request.headers) === undefined) {
      incoming.respond(400);
      return;
    }
    const answer = this.#askers.answerTo(party.address);
    if (answer === 'deny') {
      incoming.respond(403);
      return;
    }
    const theirs = [...this.#watchers.values()].filter(({ party: { address } }) => address === party.address);
    if (theirs.length >= mostOfOne) void theirs[0]?.end('giveup');
    if (this.#watchers.size >= mostWatchers) {
      incoming.respond(503, { headers: { 'retry-after': '300' } });
      return;
    }
    const response = incoming.respond(200, {
      headers: { expires: String(expires), contact: `<${line.contact(incoming.flow)}>` },
    });
    const dialog = Dialog.fromUas(request, response);
    if (dialog === undefined) return;
    this.#make(party, dialog, incoming, expires);
  }

  #make(party: InboundParty, dialog: Dialog, incoming: Incoming, expires: number): void {
    const id = dialog.id;
    const watcher = new Watcher(this.#parts, {
      party,
      dialog,
      event: incoming.request.headers.get('event') ?? 'presence',
      state: this.#state,
      isAdmitted: this.#askers.answerTo(party.address) === 'approve',
      over: () => {
        if (this.#watchers.get(id) !== watcher) return;
        this.#watchers.delete(id);
        this.#tell(party);
      },
      changed: () => {
        this.#tell(party);
      },
    });
    this.#watchers.set(id, watcher);
    this.#tell(party);
    watcher.begin(expires);
  }

  /** How somebody stands with all of their devices. */
  #tell(party: InboundParty): void {
    const theirs = [...this.#watchers.values()].filter((one) => one.party.address === party.address);
    const standing = theirs.some(({ isAdmitted }) => isAdmitted)
      ? 'sees'
      : theirs.length > 0
        ? 'asks'
        : undefined;
    this.#askers.set('direct', party, standing);
  }
}
