/* Presence at the server: what accounts publish (RFC 3903), who watches (RFC 3856, 6665) and who wants to know that (3857). */
import { randomBytes } from 'node:crypto';
import {
  Dialog,
  dialogIdOf,
  parseParameterised,
  parseSeconds,
  pidfType,
  readPidf,
  watcherInfoType,
  writePidf,
  writeWatcherInfo,
  type Flow,
  type Incoming,
  type Pidf,
  type SipStack,
} from '#protocols/sip';
import { addressIn, uriOf, userIn } from './requests.js';

interface Publication {
  readonly pidf: Pidf;
  /** Milliseconds since 1970. */
  readonly until: number;
}

type Standing = 'active' | 'pending' | 'terminated';

/** Somebody who watches: over the wire, or a resident. */
interface Watch {
  readonly id: string;
  /** The address of who watches. */
  readonly watcher: string;
  /** Who is watched. */
  readonly user: string;
  readonly event: 'presence' | 'presence.winfo';
  standing: Standing;
  tell(standing: Standing, pidf: Pidf | undefined): void;
}

interface Wire {
  readonly dialog: Dialog;
  readonly flow: Flow;
  version: number;
  until: number;
  timer: NodeJS.Timeout | undefined;
}

const usualExpires = 3_600;

export interface PresenceSurroundings {
  readonly domain: string;
  readonly admits: 'all' | 'admitted';
  stack(): SipStack | undefined;
  contact(user: string, flow: Flow): string;
  /** What a resident shows; undefined: no resident. */
  shownBy(user: string): Pidf | undefined;
  isKnown(user: string): boolean;
}

export class PresenceServer {
  readonly #around: PresenceSurroundings;
  readonly #published = new Map<string, Map<string, Publication>>();
  readonly #watches = new Map<string, Watch>();
  readonly #wires = new Map<string, Wire>();
  readonly #admitted = new Set<string>();
  #made = 0;

  constructor(around: PresenceSurroundings) {
    this.#around = around;
  }

  /** Forgets all that is not known by the residents themselves: the server was started anew. */
  forget(): void {
    for (const { timer } of this.#wires.values()) clearTimeout(timer);
    for (const id of this.#wires.keys()) this.#watches.delete(id);
    this.#wires.clear();
    this.#published.clear();
  }

  /** Lets somebody see an account. */
  admit(user: string, watcher: string): void {
    this.#admitted.add(`${user} ${watcher}`);
    for (const watch of this.#watches.values()) {
      if (watch.user === user && watch.watcher === watcher && watch.standing === 'pending') {
        watch.standing = 'active';
        this.#tell(watch);
      }
    }
    this.#tellWatcherInfo(user);
  }

  /** What is known of a user now; undefined where nothing is. */
  stateOf(user: string): Pidf | undefined {
    const shown = this.#around.shownBy(user);
    if (shown !== undefined) return shown;
    const now = Date.now();
    const all = [...(this.#published.get(user)?.values() ?? [])].filter(({ until }) => until > now);
    if (all.length === 0) return undefined;
    return {
      entity: uriOf(`${user}@${this.#around.domain}`),
      tuples: all.flatMap(({ pidf }) => pidf.tuples),
      persons: all.flatMap(({ pidf }) => pidf.persons),
      notes: all.flatMap(({ pidf }) => pidf.notes),
    };
  }

  /** Somebody's presence has changed. */
  changed(user: string): void {
    for (const watch of this.#watches.values()) {
      if (watch.user === user && watch.event === 'presence') this.#tell(watch);
    }
  }

  /** A resident watches an account. @returns what ends it. */
  watch(watcher: string, user: string, tell: Watch['tell']): () => void {
    const id = `resident-${String(++this.#made)}`;
    const standing = this.#mayWatch(watcher, user) ? 'active' : 'pending';
    const watch: Watch = { id, watcher, user, event: 'presence', standing, tell };
    this.#watches.set(id, watch);
    this.#tell(watch);
    this.#tellWatcherInfo(user);
    return () => {
      this.#watches.delete(id);
      this.#tellWatcherInfo(user);
    };
  }

  /** Takes a PUBLISH of this user (RFC 3903 §6). */
  publish(user: string, incoming: Incoming): void {
    const { headers, body } = incoming.request;
    if (parseParameterised(headers.get('event') ?? '')?.value !== 'presence') {
      incoming.respond(489, { headers: { 'allow-events': 'presence, presence.winfo' } });
      return;
    }
    const all = this.#published.get(user) ?? new Map<string, Publication>();
    this.#published.set(user, all);
    const tag = headers.get('sip-if-match');
    const before = tag === undefined ? undefined : all.get(tag);
    if (tag !== undefined && (before === undefined || before.until <= Date.now())) {
      incoming.respond(412);
      return;
    }
    const pidf = body.length === 0 ? before?.pidf : readPidf(body);
    if (pidf === undefined || 'fault' in pidf) {
      incoming.respond(400, { reason: 'Unreadable Presence' });
      return;
    }
    if (tag !== undefined) all.delete(tag);
    const expires = Math.min(parseSeconds(headers.get('expires')) ?? usualExpires, usualExpires);
    const given = randomBytes(6).toString('hex');
    if (expires > 0) all.set(given, { pidf, until: Date.now() + expires * 1_000 });
    incoming.respond(200, { headers: { 'sip-etag': given, expires: String(expires) } });
    this.changed(user);
  }

  /** Takes a SUBSCRIBE: a new one, or one in a dialog of ours. */
  subscribe(incoming: Incoming): void {
    const { request } = incoming;
    const id = dialogIdOf(request, 'uas');
    if (id === undefined) this.#begin(incoming);
    else this.#again(id, incoming);
  }

  #begin(incoming: Incoming): void {
    const { request, flow } = incoming;
    const { headers } = request;
    const event = parseParameterised(headers.get('event') ?? '')?.value;
    if (event !== 'presence' && event !== 'presence.winfo') {
      incoming.respond(489, { headers: { 'allow-events': 'presence, presence.winfo' } });
      return;
    }
    const user = userIn(request.uri);
    const watcher = addressIn(headers.get('from') ?? '');
    if (!this.#around.isKnown(user)) {
      incoming.respond(404);
      return;
    }
    if (event === 'presence.winfo' && watcher !== `${user}@${this.#around.domain}`) {
      incoming.respond(403);
      return;
    }
    const expires = Math.min(parseSeconds(headers.get('expires')) ?? usualExpires, usualExpires);
    const standing = event === 'presence.winfo' || this.#mayWatch(watcher, user) ? 'active' : 'pending';
    const response = incoming.respond(standing === 'active' ? 200 : 202, {
      headers: { expires: String(expires), contact: this.#around.contact(user, flow) },
    });
    const dialog = Dialog.fromUas(request, response);
    if (dialog === undefined) return;
    const wire: Wire = { dialog, flow, version: 0, until: 0, timer: undefined };
    const watch: Watch = {
      id: dialog.id,
      watcher,
      user,
      event,
      standing,
      tell: (now, pidf) => {
        this.#notify(watch, wire, now, pidf);
      },
    };
    this.#watches.set(dialog.id, watch);
    this.#wires.set(dialog.id, wire);
    this.#last(watch, wire, expires);
  }

  #again(id: string, incoming: Incoming): void {
    const [watch, wire] = [this.#watches.get(id), this.#wires.get(id)];
    const expires = Math.min(
      parseSeconds(incoming.request.headers.get('expires')) ?? usualExpires,
      usualExpires,
    );
    if (watch === undefined || wire === undefined) {
      incoming.respond(481);
      return;
    }
    if (wire.dialog.receives(incoming.request) !== 'ok') {
      incoming.respond(500);
      return;
    }
    incoming.respond(200, {
      headers: { expires: String(expires), contact: this.#around.contact(watch.user, incoming.flow) },
    });
    this.#last(watch, wire, expires);
  }

  /** Lets a subscription last so many seconds, and tells how things are. */
  #last(watch: Watch, wire: Wire, expires: number): void {
    clearTimeout(wire.timer);
    wire.until = Date.now() + expires * 1_000;
    if (expires === 0) this.#end(watch);
    else {
      wire.timer = setTimeout(() => {
        this.#end(watch);
      }, expires * 1_000).unref();
      this.#tell(watch);
    }
    if (watch.event === 'presence') this.#tellWatcherInfo(watch.user);
  }

  #end(watch: Watch): void {
    if (!this.#watches.delete(watch.id)) return;
    watch.standing = 'terminated';
    this.#tell(watch);
    clearTimeout(this.#wires.get(watch.id)?.timer);
    this.#wires.delete(watch.id);
    if (watch.event === 'presence') this.#tellWatcherInfo(watch.user);
  }

  #mayWatch(watcher: string, user: string): boolean {
    const isResident = this.#around.shownBy(user) !== undefined;
    return isResident || this.#around.admits === 'all' || this.#admitted.has(`${user} ${watcher}`);
  }

  #tell(watch: Watch): void {
    watch.tell(watch.standing, watch.standing === 'pending' ? undefined : this.stateOf(watch.user));
  }

  #tellWatcherInfo(user: string): void {
    for (const watch of this.#watches.values()) {
      if (watch.user === user && watch.event === 'presence.winfo') this.#tell(watch);
    }
  }

  #notify(watch: Watch, wire: Wire, standing: Standing, pidf: Pidf | undefined): void {
    const left = Math.max(0, Math.ceil((wire.until - Date.now()) / 1_000));
    const state =
      standing === 'terminated' ? 'terminated;reason=timeout' : `${standing};expires=${String(left)}`;
    const headers = {
      event: watch.event,
      'subscription-state': state,
      contact: this.#around.contact(watch.user, wire.flow),
    };
    const [type, body] =
      watch.event === 'presence.winfo'
        ? [watcherInfoType, this.#watcherInfo(watch.user, wire)]
        : // Of whom nothing is known nothing is said: the first NOTIFY has no body then.
          [pidfType, pidf === undefined ? Buffer.alloc(0) : writePidf(pidf)];
    const request = wire.dialog.next('NOTIFY', {
      headers: { ...headers, ...(body.length > 0 && { 'content-type': type }) },
      body,
    });
    void this.#around
      .stack()
      ?.request({ request, hops: [wire.flow] })
      .then((answer) => {
        const isGone =
          answer.answer === 'none' ||
          [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604].includes(answer.response.status);
        if (!isGone) return;
        clearTimeout(wire.timer);
        this.#wires.delete(watch.id);
        this.#watches.delete(watch.id);
      });
  }

  #watcherInfo(user: string, wire: Wire): Buffer {
    const watchers = [...this.#watches.values()]
      .filter((one) => one.user === user && one.event === 'presence')
      .map(({ id, watcher, standing }) => ({
        id: Buffer.from(id).toString('hex').slice(0, 32),
        uri: uriOf(watcher),
        status: standing,
        event: standing === 'pending' ? 'subscribe' : 'approved',
      }));
    const resource = uriOf(`${user}@${this.#around.domain}`);
    return writeWatcherInfo({
      version: wire.version++,
      state: 'full',
      lists: [{ resource, package: 'presence', watchers }],
    });
  }
}
