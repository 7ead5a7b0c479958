/* One connection, from the first byte on: TLS, signing in, binding, then the stanzas of its session. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Account } from './account.js';
import { jid } from './addresses.js';
import { el, escape, text, child, write, type Element } from './element.js';
import { endSession } from './presence.js';
import { allMechanisms, signInStep } from './sign-in.js';
import { ns } from './namespaces.js';
import { StreamParser } from './parser.js';
import { register } from './registration.js';
import { Session, type Carrier } from './session.js';
import { bounce, payload, result } from './stanzas.js';
import { manageStream, resumableMs } from './stream-management.js';
import type { World } from './world.js';
import { Pipe } from '../pipe.js';
import type { ScramExchange } from '../scram.js';

export class Connection implements Carrier {
  readonly world: World;
  readonly pipe: Pipe;
  /** Everything that it has sent, stanzas and others, in order. */
  readonly heard: Element[] = [];
  readonly #parser: StreamParser;
  account: Account | undefined;
  session: Session | undefined;
  scram: ScramExchange | undefined;
  isTls: boolean;
  isEnded = false;
  lastHeard: number;
  wasAsked = false;
  #hasHeader = false;
  /** Looks at an element first; true when it has dealt with it. */
  intercept: ((element: Element) => boolean) | undefined;

  constructor(world: World, socket: Socket, isTls: boolean) {
    this.world = world;
    this.isTls = isTls;
    this.lastHeard = world.now();
    this.#parser = new StreamParser(
      {
        opened: (attrs) => {
          this.#opened(attrs);
        },
        element: (element) => {
          this.#element(element);
        },
        closed: () => {
          this.#leave();
        },
        fault: (fault) => {
          this.end(fault);
        },
      },
      world.mostCharacters,
    );
    this.pipe = new Pipe(socket, {
      bytes: (chunk) => {
        this.lastHeard = world.now();
        this.wasAsked = false;
        if (!this.isEnded) this.#parser.feed(chunk);
      },
      closed: () => {
        this.#gone();
      },
    });
  }

  give(element: Element): void {
    this.pipe.write(Buffer.from(write(element)));
  }

  /** A stream error (RFC 6120 §4.9), then the end. */
  end(condition: string, words?: string, detail?: string): void {
    if (this.isEnded) return;
    if (!this.#hasHeader) this.#header();
    const error = el(
      'error',
      ns.streams,
      el(condition, ns.streamErrors, detail),
      words === undefined ? undefined : el('text', ns.streamErrors, words),
    );
    this.isEnded = true;
    this.pipe.write(Buffer.from(`${write(error)}</stream:stream>`));
    this.pipe.end();
    this.#let();
  }

  /** The session was ended by somebody else. */
  ended(condition?: string, words?: string): void {
    this.session = undefined;
    if (condition !== undefined) this.end(condition, words);
    else this.#leave();
  }

  /** A new stream on the same connection. */
  restart(): void {
    this.#parser.restart();
    this.#hasHeader = false;
  }

  #header(to?: string): void {
    this.#hasHeader = true;
    const { domain } = this.world;
    const id = this.world.nextId('stream-');
    this.pipe.write(
      Buffer.from(
        `<?xml version='1.0'?><stream:stream xmlns='${ns.client}' xmlns:stream='${ns.streams}' id='${id}' ` +
          `from='${escape(domain)}'${to === undefined ? '' : ` to='${escape(to)}'`} version='1.0' xml:lang='en'>`,
      ),
    );
  }

  #opened(attrs: Readonly<Record<string, string>>): void {
    this.#header(attrs['from']);
    const { refusal, domain } = this.world;
    if (refusal !== undefined) this.end(refusal.condition, refusal.words, refusal.detail);
    else if (attrs['xmlns'] !== ns.streams) this.end('invalid-namespace');
    else if (jid(attrs['to'] ?? '')?.bare !== domain) this.end('host-unknown');
    else this.give(el('features', ns.streams, ...this.#features()));
  }

  #features(): readonly Element[] {
    const { world } = this;
    const { tls, needsTls, mechanisms = allMechanisms } = world.options;
    if (this.account === undefined) {
      const mustTls = needsTls === true && !this.isTls;
      const offered = mustTls ? [] : mechanisms;
      return [
        ...(tls !== undefined && !this.isTls
          ? [el('starttls', ns.tls, mustTls ? el('required') : undefined)]
          : []),
        ...(offered.length > 0
          ? [el('mechanisms', ns.sasl, ...offered.map((one) => el('mechanism', {}, one)))]
          : []),
        ...(world.has('registration') && !mustTls ? [el('register', ns.registerFeature)] : []),
      ];
    }
    return [
      el('bind', ns.bind),
      el('session', ns.session, el('optional')),
      ...(world.has('stream-management') ? [el('sm', ns.sm)] : []),
      ...(world.has('csi') ? [el('csi', ns.csi)] : []),
      ...(world.has('roster-versioning') ? [el('ver', ns.rosterVersioning)] : []),
      ...(world.has('pre-approval') ? [el('sub', ns.preApproval)] : []),
      ...(world.has('limits')
        ? [el('limits', ns.limits, el('max-bytes', {}, String(world.mostCharacters)))]
        : []),
    ];
  }

  #element(element: Element): void {
    if (this.isEnded) return;
    this.heard.push(element);
    if (this.intercept?.(element) === true) {
      this.#count(element);
      return;
    }
    const { xmlns } = element.attrs;
    if (xmlns === ns.tls && element.name === 'starttls') this.#secure();
    else if (xmlns === ns.sasl && this.account === undefined) signInStep(this.world, this, element);
    else if (xmlns === ns.sm && this.account !== undefined && this.world.has('stream-management')) {
      manageStream(this.world, this, element);
    } else if (xmlns === ns.csi && this.session !== undefined) {
      this.session.isActive = element.name === 'active';
    } else if (xmlns !== ns.client || !['message', 'presence', 'iq'].includes(element.name)) {
      this.end('unsupported-stanza-type');
    } else if (this.session === undefined) this.#before(element);
    else {
      this.#count(element);
      this.world.route(element, this.session);
    }
  }

  #count({ attrs: { xmlns } }: Element): void {
    const managed = this.session?.managed;
    if (managed !== undefined && xmlns === ns.client) managed.handled = (managed.handled + 1) >>> 0;
  }

  /** What may be said before there is a session: registration, binding. */
  #before(element: Element): void {
    const content = payload(element);
    const about = content?.attrs['xmlns'];
    const isQuestion = element.name === 'iq' && /^(?:get|set)$/.test(element.attrs['type'] ?? '');
    if (isQuestion && about === ns.register && this.account === undefined) {
      this.give(register(this.world, element));
    } else if (this.account === undefined || !isQuestion) this.end('not-authorized');
    else if (about === ns.bind) this.#bind(this.account, element, text(child(content, 'resource')));
    else this.give(bounce(element, 'cancel', 'not-allowed'));
  }

  #bind(account: Account, iq: Element, wanted: string): void {
    const older = account.sessions.get(wanted);
    let resource = wanted === '' ? this.world.nextId('r') : wanted;
    if (older !== undefined) {
      if (this.world.options.onConflict === 'rename-newer') resource = `${wanted}-${this.world.nextId()}`;
      else endSession(older, 'conflict', 'replaced by a new connection');
    }
    this.session = new Session(this.world, account, resource, this);
    account.sessions.set(resource, this.session);
    this.give(result(iq, el('bind', ns.bind, el('jid', {}, this.session.full))));
  }

  #secure(): void {
    const { tls } = this.world.options;
    if (tls === undefined || this.isTls || this.account !== undefined) {
      this.give(el('failure', ns.tls));
      this.#leave();
      return;
    }
    this.give(el('proceed', ns.tls));
    // What was sent in the clear behind the request must not be taken for what comes over TLS (CVE-2011-0411).
    this.#parser.forget();
    this.#hasHeader = false;
    this.pipe.upgrade(
      (socket) => new TLSSocket(socket, { isServer: true, cert: tls.certificate, key: tls.key }),
    );
    this.isTls = true;
  }

  /** The stream is closed in order: the session with it. */
  #leave(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.pipe.write(Buffer.from('</stream:stream>'));
    this.pipe.end();
    this.#let();
  }

  #let(): void {
    const { session } = this;
    this.session = undefined;
    if (session === undefined) return;
    session.carrier = undefined;
    endSession(session);
  }

  /** The connection is gone without a word: its session waits to be resumed, if that was agreed. */
  #gone(): void {
    this.isEnded = true;
    const { session } = this;
    if (session === undefined) return;
    this.session = undefined;
    session.carrier = undefined;
    if (session.managed?.isResumable !== true) {
      endSession(session);
      return;
    }
    session.managed.isAsked = false;
    session.waitTimer = setTimeout(() => {
      endSession(session);
    }, resumableMs(this.world)).unref();
  }
}
