/*
 * The way of an account that is registered with its own server: everything goes there over the flow of the registration,
 * with the routes that the registrar wants; within a dialog it goes where that says (ADR 0010).
 */
import { readNote, type Entry } from '#connector/session';
import type { SessionContext } from '#connector';
import type { AccountId, Failure } from '#model';
import {
  Credentials,
  Headers,
  parseUri,
  type Flow,
  type Hop,
  type SipRequest,
  type SipUri,
} from '#protocols/sip';
import { contactUri, type Seat } from './pool.js';
import { Registration, type Refusal } from './registration.js';
import { serverUri, wayTo, wayToText, type WayOptions } from './server-way.js';
import { domainOf, uriOf } from './sip.addresses.js';
import type { SipSettings } from './sip.settings.js';
import type { SipTimings } from './timings.js';
import type { Places, RequestWay, Ways } from './way-line.js';

/** The Contact of the last session, to take it back where that could not. */
const contactKey = 'sip.contact';

export interface AccountWayOptions {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly settings: SipSettings;
  readonly timings: SipTimings;
  readonly seat: Seat;
  /** Our own address. */
  readonly self: string;
  /** The registration is over: the server does not answer, or has another mind. */
  readonly ended: (refusal: Refusal) => void;
  /** Keeps a note for the next session. */
  readonly note: (key: string, value: string) => void;
}

export class AccountWay implements Ways {
  readonly #options: AccountWayOptions;
  #registration: Registration | undefined;
  #credentials: Credentials | undefined;
  #clientKey: string | undefined;

  constructor(options: AccountWayOptions) {
    this.#options = options;
  }

  get self(): string {
    return this.#options.self;
  }

  get displayName(): string | undefined {
    return this.#options.settings.displayName;
  }

  /** Whether the server has us now. */
  get isOpen(): boolean {
    return this.#registration?.registered !== undefined;
  }

  contact(flow: Flow): string {
    const uri = contactUri(this.#options.seat.name, flow);
    // What follows in a dialog is to come over the flow that it began on (RFC 5626 §4.3).
    return this.#registration?.registered?.isOutbound === true ? `${uri};ob` : uri;
  }

  /** Finds the server and registers; one try. Never rejects. */
  async enter(signal: AbortSignal): Promise<Entry> {
    const { context, account, seat, self, settings, timings, ended, note } = this.#options;
    const givenUp = (): boolean => signal.aborted;
    const { password, ha1, clientKey } = await context.secrets();
    this.#clientKey = clientKey;
    const credentials = (this.#credentials = this.#credentialsOf(password, ha1));
    const distrusted: Failure[] = [];
    const way = await wayTo(this.#server(), {
      ...this.#wayOptions(),
      distrusted: (why) => {
        distrusted.push(why);
      },
    });
    if (way.way === 'closed' || givenUp()) return { entry: 'closed' };
    if (way.way === 'none') return { entry: 'none', failure: way.failure };
    const former = (await readNote(context, account, contactKey))?.value;
    const registration = new Registration({
      context,
      account,
      seat,
      self,
      credentials,
      expires: settings.expires,
      timings,
      places: async (uri) => {
        const elsewhere = await wayTo(uri, this.#wayOptions());
        return elsewhere.way === 'hops' ? elsewhere.hops : [];
      },
      ended: (refusal) => {
        if (this.#registration === registration) ended(refusal);
      },
    });
    const registered = await registration.begin(
      way.hops,
      signal,
      typeof former === 'string' ? former : undefined,
    );
    if (givenUp()) {
      void registration.end(timings.close);
      return { entry: 'closed' };
    }
    if ('failure' in registered) {
      registration.stop();
      return { entry: 'none', ...registered, failure: distrusted[0] ?? registered.failure };
    }
    this.#registration = registration;
    note(contactKey, registered.contact);
    return { entry: 'in', localAddress: self };
  }

  /** Takes the registration back, in the time that is given. */
  async leave(withinMs: number): Promise<void> {
    const registration = this.#registration;
    this.#registration = undefined;
    await registration?.end(withinMs);
  }

  /** It is over, without a word. */
  drop(): void {
    this.#registration?.stop();
    this.#registration = undefined;
  }

  /** Over UDP nothing else tells that the server is gone. */
  unanswered(): void {
    this.#registration?.check();
  }

  async way(request: SipRequest, hop?: string): Promise<RequestWay | undefined> {
    const registered = this.#registration?.registered;
    if (registered === undefined) return undefined;
    const { stack } = this.#options.seat;
    const credentials = this.#credentials;
    if (hop === undefined) {
      return {
        stack,
        request: routed(request, registered.routes),
        hops: [hopOf(registered.flow)],
        credentials,
      };
    }
    const places = await this.places(hop);
    const ours = registered.flow.remote.address;
    // A dialog may lead anywhere: who is not our server and has us sign may guess our password from that at leisure.
    const isOurs =
      places?.hops.every((one) => ('isOpen' in one ? one.remote : one).address === ours) === true;
    return places && { ...places, request, credentials: isOurs ? credentials : undefined };
  }

  async places(uri: string): Promise<Places | undefined> {
    const registered = this.#registration?.registered;
    if (registered === undefined) return undefined;
    const { stack } = this.#options.seat;
    const way = await wayToText(uri, this.#wayOptions());
    const { flow } = registered;
    // A name that only the server knows, or a place that we may not go to: the server passes it on (RFC 3261 §8.1.2).
    if (way.way !== 'hops') return { stack, hops: [hopOf(flow)] };
    return { stack, hops: way.hops.some((one) => isOver(one, flow)) ? [hopOf(flow)] : way.hops };
  }

  /** The server that the settings name, or that the domain has. */
  #server(): SipUri {
    const { self, settings } = this.#options;
    const { host, port, transport, address } = settings;
    const uri = parseUri(uriOf(self));
    const named = serverUri(
      host ?? uri?.host ?? domainOf(self),
      host === undefined ? uri?.port : port,
      transport,
    );
    return /^sips:/i.test(address) ? { ...named, scheme: 'sips' } : named;
  }

  #credentialsOf(password: string | undefined, ha1: string | undefined): Credentials | undefined {
    const { self, settings } = this.#options;
    const user = settings.authUser ?? parseUri(uriOf(self))?.user ?? '';
    if (password !== undefined) return new Credentials({ user, password });
    return ha1 === undefined ? undefined : new Credentials({ user, ha1, realm: domainOf(self) });
  }

  #wayOptions(): WayOptions {
    const { context, settings, timings, self } = this.#options;
    return {
      context,
      tls: { ...settings, ...(this.#clientKey !== undefined && { clientKey: this.#clientKey }) },
      findMs: timings.find,
      domain: settings.host ?? domainOf(self),
    };
  }
}

/** Requests over a connection stay on it; over UDP a large one may take another way to the same place (§18.1.1). */
function hopOf(flow: Flow): Hop | Flow {
  if (flow.transport !== 'udp') return flow;
  return { transport: 'udp', address: flow.remote.address, port: flow.remote.port };
}

function isOver({ transport, address, port }: Hop, flow: Flow): boolean {
  return transport === flow.transport && address === flow.remote.address && port === flow.remote.port;
}

/** With the routes that the registrar wants taken (RFC 3608 §6.1). */
function routed(request: SipRequest, routes: readonly string[]): SipRequest {
  if (routes.length === 0 || request.headers.has('route')) return request;
  const headers = Headers.from(request.headers);
  for (const route of routes.toReversed()) headers.prepend('route', route);
  return { ...request, headers };
}
