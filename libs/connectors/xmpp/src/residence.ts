/*
 * Where an account lives on its server: the resource that is bound there, its port and its binding. A stream that comes
 * in resumes what is there (XEP-0198 §5) or, where the server does not or nothing is there, binds anew.
 *
 * Resumed is only when everything that came is stored: what is not stored yet is here, and would come once more.
 */
import type { CloseReason, SessionContext } from '#connector';
import type { Inlet } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import { ClientPort } from './core/client-port.js';
import { enableManagement, offersManagement, resumeStream } from './core/managing.js';
import { bindResource } from './core/binding.js';
import type { Self } from './core/port.js';
import { StreamManagement } from './core/stream-management.js';
import type { Ending, Stream } from './core/stream.js';
import type { Element } from './core/xml.js';
import { offersOf, type Offers, type Wishes } from './crew.js';
import { handOver, takeOver, type HandedOver } from './hand-over.js';
import type { XmppTimings } from './timings.js';
import { Moments } from './order.js';
import { jidOf, selfOf } from './xmpp.addresses.js';
import { Binding } from './xmpp.binding.js';
import type { XmppSettings } from './xmpp.settings.js';

const over = failure('network-unreachable', 'The connection was lost.');
const behind = failure('storage-unavailable', 'What was read before is not stored yet.');

export interface ResidenceOptions {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly inlet: Inlet;
  readonly settings: XmppSettings;
  readonly timings: XmppTimings;
  readonly wishes: Wishes;
  /** The stream is over, after it was entered. */
  readonly broken: (ending: Ending) => void;
}

interface Home {
  readonly port: ClientPort;
  readonly binding: Binding;
}

export class Residence {
  readonly #options: ResidenceOptions;
  /** Order holds over all bindings. */
  readonly #moments = new Moments();
  #home: Home | undefined;
  #offers: Offers = { rosterVersions: false, preApproval: false };
  #handedOver: Promise<HandedOver | undefined> | undefined;

  constructor(options: ResidenceOptions) {
    this.#options = options;
  }

  /** The binding, while a stream carries it. */
  get binding(): Binding | undefined {
    return this.#home?.binding.isOnline === true ? this.#home.binding : undefined;
  }

  /**
   * Takes a stream that has let us in.
   * @returns our full JID there, or why it is of no use; then it is closed.
   */
  async enter(stream: Stream, features: Element): Promise<{ readonly address: string } | Failure> {
    const managed = offersManagement(features);
    this.#offers = offersOf(features);
    const entered = (managed ? await this.#resume(stream) : undefined) ?? (await this.#bind(stream, managed));
    if ('code' in entered) stream.destroy(entered);
    return entered;
  }

  /** Our person wishes otherwise than before: brought about now, or with the stream that resumes this one. */
  wished(what: 'rooms' | 'contacts' | 'presence'): void {
    this.#home?.binding.wished(what);
  }

  /** Reads no more from the network until `easeOff`. */
  holdBack(): void {
    this.#home?.port.holdBack();
  }

  easeOff(): void {
    this.#home?.port.easeOff();
  }

  /** Goes in order, and keeps the stream for the next worker where it is to be handed over. */
  async leave(reason: CloseReason): Promise<void> {
    const home = this.#home;
    if (home === undefined) return;
    const { clock } = this.#options.context;
    const { inlet, timings, account } = this.#options;
    home.binding.leaving();
    await home.port.acknowledgedAll(timings.close / 2);
    home.port.holdBack();
    const began = clock.monotonic();
    await inlet.drained(timings.close / 4);
    const { resumable } = home.port;
    if (reason === 'shutdown' && home.port.isConnected && resumable !== undefined && inlet.isEmpty) {
      inlet.flush(handOver(account, { self: home.port.self, resumable }));
      await inlet.drained(Math.max(0, timings.close / 4 - (clock.monotonic() - began)));
      await home.port.drop();
    } else {
      await home.port.close();
    }
    this.#end();
  }

  /** Ends the stream and leaves it to be resumed. */
  cut(why: Failure): void {
    this.#home?.port.destroy(why);
  }

  /** Goes without a word. */
  abandon(): void {
    this.#home?.port.destroy();
    this.#end();
  }

  /** Goes on with what is there; undefined where the server does not: then nothing is there any more. */
  async #resume(stream: Stream): Promise<{ readonly address: string } | Failure | undefined> {
    const { context, timings } = this.#options;
    const home = this.#home;
    const handedOver = home === undefined ? await this.#takeOver() : undefined;
    const resumable = home?.port.resumable ?? handedOver?.resumable;
    if (resumable === undefined) {
      this.#end();
      return undefined;
    }
    if (home?.port.isSettled === false) return behind;
    const answer = await resumeStream(stream, resumable, context.clock, timings.answer);
    switch (answer.outcome) {
      case 'ended':
        // A server that ends the stream over what we ask would do so each time: the next try begins anew.
        if (answer.ending.closed || answer.ending.fault !== undefined) this.#end();
        return answer.ending.failure ?? over;
      case 'failed':
        home?.port.learn(answer.h);
        this.#end();
        return undefined;
      case 'resumed':
        if (home !== undefined) {
          if (!home.port.resume(stream, answer.h)) {
            this.#end();
            return failure('protocol-violation', 'The server has lost count of what we sent.');
          }
          home.binding.online('resumed');
          return { address: home.port.self.bare };
        }
        return this.#settle(
          stream,
          handedOver?.self,
          new StreamManagement(resumable.id, { handled: resumable.handled, acknowledged: Number(answer.h) }),
        );
    }
  }

  async #bind(stream: Stream, managed: boolean): Promise<{ readonly address: string } | Failure> {
    const { context, settings, timings } = this.#options;
    this.#end();
    const bound = await bindResource(stream, {
      clock: context.clock,
      timeoutMs: timings.answer,
      ...(settings.resource !== undefined && { resource: settings.resource }),
    });
    if (!bound.ok) return bound.failure;
    const jid = jidOf(bound.jid);
    if (jid?.resource === undefined) {
      return failure('protocol-violation', 'The server gave us an address that is none.');
    }
    if (!managed) return this.#settle(stream, selfOf(jid), undefined);
    const enabled = await enableManagement(stream, context.clock, timings.answer);
    if ('ending' in enabled) return enabled.ending.failure ?? over;
    return this.#settle(stream, selfOf(jid), enabled.management);
  }

  #settle(
    stream: Stream,
    self: Self | undefined,
    management: StreamManagement | undefined,
  ): { readonly address: string } | Failure {
    if (self === undefined) return over;
    const { context, account, inlet, settings, timings, wishes } = this.#options;
    const port = new ClientPort({
      self,
      ...(this.#offers.maxBytes !== undefined && { maxBytes: this.#offers.maxBytes }),
      clock: context.clock,
      timings,
      mark: markOf(() => context.random()),
      stored: (call) => {
        inlet.settled(call);
      },
      handler: {
        stanza: (stanza) => {
          binding.hear(stanza);
        },
        lull: () => {
          binding.lull();
        },
        broken: (ending) => {
          binding.suspended();
          if (port.resumable === undefined) this.#end();
          this.#options.broken(ending);
        },
      },
    });
    const binding = new Binding({
      context,
      account,
      port,
      inlet,
      settings,
      timings,
      wishes,
      moments: this.#moments,
      offers: this.#offers,
    });
    this.#home = { port, binding };
    port.begin(stream, management);
    binding.online('new');
    return { address: self.bare };
  }

  async #takeOver(): Promise<HandedOver | undefined> {
    if (this.#handedOver !== undefined) return undefined;
    this.#handedOver = takeOver(this.#options.context, this.#options.account);
    return this.#handedOver;
  }

  #end(): void {
    const home = this.#home;
    this.#home = undefined;
    home?.binding.end();
    home?.port.end(over);
  }
}

/** What nobody can guess, for the ids of our questions. */
function markOf(random: () => number): string {
  const part = (): string => Math.floor(random() * 2 ** 32).toString(36);
  return `${part()}${part()}`;
}
