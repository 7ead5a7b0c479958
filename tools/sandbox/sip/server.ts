/* The server itself: who may ask for what, and to whom it goes. */
import {
  Challenger,
  Headers,
  parseNameAddr,
  parseUri,
  SipStack,
  unescaped,
  type Flow,
  type Incoming,
  type Listening,
  type SipRequest,
} from '#protocols/sip';
import { Outbox } from './outbox.js';
import type { SandboxSipOptions, SipMischief } from './options.js';
import { PresenceServer } from './presence-server.js';
import { Registrar } from './registrar.js';
import { addressIn, contactOf, userIn } from './requests.js';
import { SandboxSipResident } from './resident.js';
import { WatchingPhone, WatchingServer, type Watching } from './watching.js';
import type { Behind } from './gate.js';

const host = '127.0.0.1';
/** What anybody may be asked at most; older ones are forgotten. */
const mostRequests = 20_000;
const methods = [
  'REGISTER',
  'OPTIONS',
  'MESSAGE',
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
];

export class SipServer {
  readonly domain: string;
  readonly residents = new Map<string, SandboxSipResident>();
  readonly accounts = new Map<string, string>();
  readonly registrar: Registrar;
  readonly outbox: Outbox;
  readonly presence: PresenceServer;
  readonly requests: SipRequest[] = [];
  readonly #options: SandboxSipOptions;
  readonly #challenger: Challenger;
  readonly #usedNonces = new Set<string>();
  readonly #watchings = new Map<string, Set<Watching>>();
  readonly #ports: () => { readonly port: number; readonly tlsPort: number | undefined };
  #stack: SipStack | undefined;
  #mischief: SipMischief = {};

  constructor(
    options: SandboxSipOptions,
    ports: () => { readonly port: number; readonly tlsPort: number | undefined },
  ) {
    this.#options = options;
    this.#ports = ports;
    this.domain = options.domain ?? 'sip.sandbox';
    this.#challenger = new Challenger({
      realm: this.domain,
      // MD5 first: some phones read only the first challenge, and know no other hash.
      algorithms: options.algorithms ?? ['MD5', 'SHA-256'],
      ...(options.nonceMs !== undefined && { nonceMs: options.nonceMs }),
    });
    for (const { user, password } of options.accounts ?? []) this.accounts.set(user, password);
    this.registrar = new Registrar(options.leastExpires ?? 1, (user) => {
      this.outbox.pump(user);
      for (const watching of this.#watchings.get(user) ?? []) watching.came();
    });
    const stack = (): SipStack | undefined => this.#stack;
    const bindings = this.registrar.bindings.bind(this.registrar);
    this.outbox = new Outbox(bindings, stack, options.retryMs ?? 200);
    this.presence = new PresenceServer({
      domain: this.domain,
      admits: options.watchers ?? 'all',
      stack,
      contact: (user, flow) => this.#contact(user, flow),
      shownBy: (user) => this.residents.get(user)?.shown,
      isKnown: (user) => this.accounts.has(user) || this.residents.has(user),
    });
    for (const name of options.residents ?? ['bob', 'carol']) this.resident(name);
  }

  set mischief(mischief: SipMischief) {
    this.#mischief = mischief;
    this.outbox.isDoubling = mischief.doubles === true;
  }

  resident(user: string): SandboxSipResident {
    const known = this.residents.get(user);
    if (known !== undefined) return known;
    const address = `${user}@${this.domain}`;
    const resident = new SandboxSipResident({
      user,
      address,
      stack: () => this.#stack,
      bindings: (other) => this.registrar.bindings(other),
      contact: (flow) => this.#contact(user, flow),
      post: (to, letter) => {
        this.outbox.put(userIn(`sip:${to}`), letter);
      },
      watch: (to) => this.#watch(user, address, to),
      changed: () => {
        this.presence.changed(user);
      },
    });
    this.residents.set(user, resident);
    return resident;
  }

  /** Begins to take requests; at which ports. */
  async start(): Promise<Behind> {
    const { tls, timers } = this.#options;
    const stack = new SipStack({
      userAgent: 'Sandbox',
      expected: { methods },
      ...(timers !== undefined && { timers }),
      onRequest: (incoming) => {
        this.#take(incoming);
      },
    });
    this.#stack = stack;
    const listen = (transport: 'udp' | 'tcp' | 'tls'): Promise<Listening> =>
      stack.listen({
        transport,
        host,
        port: 0,
        ...(transport === 'tls' && tls !== undefined && { tls: { cert: tls.certificate, key: tls.key } }),
      });
    const [udp, tcp] = [await listen('udp'), await listen('tcp')];
    return { udp: udp.port, tcp: tcp.port, tls: tls === undefined ? undefined : (await listen('tls')).port };
  }

  /** Ends; all that is only known while it runs is forgotten: contacts, subscriptions, what was published. */
  async stop(): Promise<void> {
    this.registrar.forget();
    this.presence.forget();
    const stack = this.#stack;
    this.#stack = undefined;
    await stack?.close();
  }

  #contact(user: string, flow: Flow): string {
    return contactOf(user, flow, this.#ports());
  }

  #watch(user: string, from: string, to: string): Watching {
    const other = userIn(`sip:${to}`);
    const watching =
      this.#options.presence === 'phones'
        ? new WatchingPhone({
            from,
            to,
            stack: () => this.#stack,
            bindings: () => this.registrar.bindings(other),
            contact: (flow) => this.#contact(user, flow),
          })
        : new WatchingServer((tell) => this.presence.watch(from, other, tell));
    const all = this.#watchings.get(other) ?? new Set();
    this.#watchings.set(other, all.add(watching));
    return watching;
  }

  #take(incoming: Incoming): void {
    const { request } = incoming;
    const { method, headers } = request;
    this.requests.push(request);
    if (this.requests.length > mostRequests) this.requests.shift();
    const { silent, refuses, refusesRegistration } = this.#mischief;
    if (silent === true) return;
    const refusal = method === 'REGISTER' ? refusesRegistration : refuses;
    if (refusal !== undefined) {
      const { status, retryAfter } = refusal;
      incoming.respond(
        status,
        retryAfter === undefined ? {} : { headers: { 'retry-after': String(retryAfter) } },
      );
      return;
    }
    // What is inside a dialog was let in with its beginning.
    if (headers.get('to')?.includes('tag=') === true) this.#inside(incoming);
    else if (method === 'REGISTER') this.#register(incoming);
    else if (method === 'OPTIONS') incoming.respond(200, { headers: { allow: methods.join(', ') } });
    else this.#outside(incoming);
  }

  #inside(incoming: Incoming): void {
    const resident = this.residents.get(this.#userOf(incoming.request));
    if (incoming.request.method === 'SUBSCRIBE') this.presence.subscribe(incoming);
    else if (resident === undefined) incoming.respond(481);
    else resident.take(incoming);
  }

  #register(incoming: Incoming): void {
    const text = incoming.request.headers.get('to') ?? '';
    const to = addressIn(text);
    const isSip = /^sips?:/i.test(parseNameAddr(text)?.uri ?? '');
    if (!isSip) incoming.respond(400, { reason: 'To Is No SIP URI' });
    else if (!to.endsWith(`@${this.domain}`)) incoming.respond(404);
    else if (this.#isProved(incoming, to.slice(0, to.lastIndexOf('@')), 'authorization')) {
      this.registrar.take(to.slice(0, to.lastIndexOf('@')), incoming);
    }
  }

  #outside(incoming: Incoming): void {
    const { method, headers } = incoming.request;
    const from = addressIn(headers.get('from') ?? '');
    const sender = from.slice(0, from.lastIndexOf('@'));
    if (!from.endsWith(`@${this.domain}`) || !this.accounts.has(sender)) {
      incoming.respond(403);
      return;
    }
    if (!this.#isProved(incoming, sender, 'proxy-authorization')) return;
    const user = this.#userOf(incoming.request);
    const resident = this.residents.get(user);
    if (method === 'PUBLISH') this.presence.publish(sender, incoming);
    else if (method === 'SUBSCRIBE') this.presence.subscribe(incoming);
    else if (resident !== undefined) resident.take(incoming);
    else if (!this.accounts.has(user)) incoming.respond(404);
    else if (method === 'MESSAGE') this.#pass(user, incoming);
    else incoming.respond(480);
  }

  /** Passes a message on to another account: now, or when it is there. */
  #pass(user: string, incoming: Incoming): void {
    const { headers, body } = incoming.request;
    const kept = new Set([
      'from',
      'to',
      'call-id',
      'cseq',
      'content-type',
      'content-encoding',
      'content-disposition',
      'date',
    ]);
    const passed = [...headers].filter(([name]) => kept.has(name));
    this.outbox.put(user, { headers: new Headers(passed), body });
    incoming.respond(202);
  }

  /** Whether somebody has proved to be this user; if not, they are asked to. */
  #isProved(incoming: Incoming, user: string, field: 'authorization' | 'proxy-authorization'): boolean {
    const { request } = incoming;
    const proof = this.#challenger.verify(
      request,
      (name) => {
        const password = this.accounts.get(name);
        return password === undefined ? undefined : { password };
      },
      field,
    );
    const nonce = /nonce="([^"]*)"/.exec(request.headers.get(field) ?? '')?.[1] ?? '';
    const isWornOut = this.#mischief.staleNonces === true && this.#usedNonces.has(nonce);
    if (proof.verdict === 'ok' && !isWornOut) {
      this.#usedNonces.add(nonce);
      if (proof.user === user) return true;
      incoming.respond(403);
      return false;
    }
    if (proof.verdict === 'malformed') {
      incoming.respond(400, { reason: 'Malformed Credentials' });
      return false;
    }
    const isStale = proof.verdict === 'stale' || isWornOut;
    const challenge = field === 'authorization' ? 'www-authenticate' : 'proxy-authenticate';
    incoming.respond(field === 'authorization' ? 401 : 407, {
      headers: { [challenge]: this.#challenger.challenge(isStale) },
    });
    return false;
  }

  /** For whom a request is. */
  #userOf({ uri }: SipRequest): string {
    return unescaped(parseUri(uri)?.user ?? '');
  }
}
