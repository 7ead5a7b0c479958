/*
 * The session of a component (XEP-0114): one link, many accounts, each with an address under the component's domain. Each
 * account has a session of its own, which comes by its stream at the shared link; what is asked of the whole is asked of
 * the account's own.
 */
import type {
  AttachedAccount,
  CloseReason,
  OutboundEnvelope,
  SendOutcome,
  Session,
  SessionContext,
} from '#connector';
import { failure, type AccountId } from '#model';
import { ComponentLink, sitsOn } from './component-link.js';
import type { XmppTimings } from './timings.js';
import { jidOf } from './xmpp.addresses.js';
import { XmppSession } from './xmpp.session.js';
import type { XmppSettings } from './xmpp.settings.js';

export class ComponentSession implements Session {
  readonly #settings: XmppSettings;
  readonly #context: SessionContext;
  readonly #timings: XmppTimings;
  readonly #link: ComponentLink;
  readonly #accounts = new Map<AccountId, XmppSession>();
  /** Carries no account and never will: it answers for those that are not here. */
  readonly #nobody: XmppSession;
  #wanted = false;
  #closed = false;

  constructor(settings: XmppSettings, context: SessionContext, timings: XmppTimings) {
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#link = new ComponentLink({ context, settings, timings, domain: settings.component ?? '' });
    this.#nobody = new XmppSession(settings, context, timings);
    this.#takeAbilities();
  }

  attach(account: AttachedAccount): void {
    if (this.#closed || this.#accounts.has(account.id)) return;
    const { component = '' } = this.#settings;
    const jid = jidOf(account.localAddress ?? '');
    if (!sitsOn(jid, component)) {
      const why = failure('not-found', `The account needs an address under ${component}.`, 'ask-person');
      this.#context.state(account.id, { state: 'needs-person', ...why });
      return;
    }
    const settings = { ...this.#settings, jid };
    const session = new XmppSession(settings, this.#context, this.#timings, {
      wayIn: ({ signal }) => this.#link.enter(jid, signal),
      // The right to a link is one for all who are on it.
      fenced: () => {
        void this.close('fenced');
      },
    });
    this.#accounts.set(account.id, session);
    session.attach(account);
    if (this.#wanted) session.connect();
  }

  async detach(account: AccountId): Promise<void> {
    const session = this.#accounts.get(account);
    this.#accounts.delete(account);
    await session?.close('asked');
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    for (const session of this.#accounts.values()) session.connect();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const sessions = [...this.#accounts.values()];
    this.#accounts.clear();
    await Promise.all(sessions.map((session) => session.close(reason)));
    if (reason === 'fenced') this.#link.destroy();
    else await this.#link.close();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    return this.#of(envelope).send(envelope, signal);
  }

  /** The session of an account, by its id or by something that bears it. */
  #of(whose: unknown): XmppSession {
    const id = typeof whose === 'object' && whose !== null && 'account' in whose ? whose.account : whose;
    return this.#accounts.get(id as AccountId) ?? this.#nobody;
  }

  /**
   * Whatever an account can do on a link of its own it can do on a shared one. Every ability names its account first
   * (abilities.ts in the contract), so each is passed on as it is.
   */
  #takeAbilities(): void {
    const nobody = this.#nobody;
    const names = [...Object.getOwnPropertyNames(XmppSession.prototype), ...Object.keys(nobody)];
    for (const name of names.filter((one) => !(one in this))) {
      const own: unknown = Reflect.get(nobody, name);
      const value =
        typeof own === 'function'
          ? (whose: unknown, ...more: readonly unknown[]): unknown => {
              const session = this.#of(whose);
              return Reflect.apply(Reflect.get(session, name) as typeof own, session, [whose, ...more]);
            }
          : own;
      Object.defineProperty(this, name, { value, enumerable: true });
    }
  }
}
