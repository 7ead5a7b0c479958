/*
 * How reachable others are (RFC 6121 §4): several devices of somebody make one presence, the best of those that take
 * messages. Only of those who let us see it: a presence of anybody else would never be followed by the next.
 */
import { presences, type PresenceState } from '#model';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Roster } from './roster.js';
import { delaysIn } from './xep/0203.js';
import { presenceOf, type ResourcePresence } from './xep/rfc6121.js';
import { bareOf, resourceOf, addressOf } from './xmpp.addresses.js';

/** People and devices whose presence is kept; nobody has so many. */
const mostPeople = 10_000;
const mostDevices = 30;

interface Device extends ResourcePresence {
  readonly at: Date;
}

export class Reachability implements Service {
  readonly #parts: Parts;
  readonly #roster: Roster;
  readonly #people = new Map<string, Map<string, Device>>();
  readonly #told = new Set<string>();

  constructor(parts: Parts, roster: Roster) {
    this.#parts = parts;
    this.#roster = roster;
    roster.listen({
      complete: () => {
        for (const address of this.#people.keys()) this.#tell(address);
        // Whoever has not been heard of by then has no device there.
        parts.timers.set('presences', parts.timings.presences, () => {
          for (const [address] of roster.items()) if (!this.#told.has(address)) this.#tell(address);
        });
      },
      changed: (address) => {
        if (!roster.isComplete) return;
        if (roster.sees(address)) {
          if (this.#people.has(address)) this.#tell(address);
          return;
        }
        this.#people.delete(address);
        if (this.#told.delete(address)) this.#say(address, { presence: 'unknown', since: this.#now() });
      },
    });
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'presence') return false;
    const from = addressOf(stanza.attrs['from']);
    const address = bareOf(from);
    if (from === undefined || address === undefined) return true;
    // Our own devices are not people whom we watch.
    if (address === this.#parts.port.self.bare) return false;
    const said = presenceOf(stanza);
    if (said === undefined) {
      if (stanza.attrs['type'] !== 'error') return false;
      // Nothing can be learnt of them (§4.3.2).
      if (this.#people.delete(address)) this.#say(address, { presence: 'unknown', since: this.#now() });
      return true;
    }
    this.#take(address, resourceOf(from) ?? '', said, this.#momentOf(stanza, address));
    return false;
  }

  #take(address: string, resource: string, said: ResourcePresence, at: Date): void {
    let devices = this.#people.get(address);
    if (devices === undefined) {
      if (this.#people.size >= mostPeople) return;
      devices = new Map();
      this.#people.set(address, devices);
    }
    if (said.presence !== 'offline') {
      if (devices.has(resource) || devices.size < mostDevices) devices.set(resource, { ...said, at });
      // Of the last to go, what they said is kept.
    } else if (resource === '') {
      devices.clear();
      devices.set('', { ...said, at });
    } else {
      devices.delete(resource);
      devices.delete('');
      if (devices.size === 0) devices.set('', { ...said, at });
    }
    this.#tell(address);
  }

  #tell(address: string): void {
    if (!this.#roster.isComplete || !this.#roster.sees(address)) return;
    const best = bestOf([...(this.#people.get(address)?.values() ?? [])]);
    const since = best?.at.toISOString() ?? this.#now();
    this.#say(address, {
      presence: best?.presence ?? 'offline',
      ...(best?.note !== undefined && { note: best.note }),
      since,
    });
    this.#told.add(address);
  }

  #say(address: string, presence: PresenceState): void {
    const { context, account } = this.#parts;
    context.presence(account, address, presence);
  }

  /** When it was so, where their server or ours kept it back (XEP-0203); now for what is said now. */
  #momentOf(stanza: Element, address: string): Date {
    const now = this.#parts.context.clock.now();
    const domains = new Set([this.#parts.port.self.domain, address.slice(address.indexOf('@') + 1)]);
    const kept = delaysIn(stanza).find(({ from }) => {
      const by = bareOf(from);
      return by === undefined || by === address || domains.has(by);
    });
    return new Date(Math.min(kept?.at.getTime() ?? now, now));
  }

  #now(): string {
    return new Date(this.#parts.context.clock.now()).toISOString();
  }
}

/**
 * The device by which somebody is best reached: in the order of presences, then by priority, then the latest. Where all
 * have a negative priority, nothing that is sent to the account comes to any of them (§4.7.2.3, §8.5.2.1).
 */
function bestOf(devices: readonly Device[]): Device | undefined {
  const rank = ({ presence }: Device): number => presences.indexOf(presence);
  return devices
    .filter(({ priority, presence }) => priority >= 0 || presence === 'offline')
    .sort((a, b) => rank(a) - rank(b) || b.priority - a.priority || b.at.getTime() - a.at.getTime())[0];
}
