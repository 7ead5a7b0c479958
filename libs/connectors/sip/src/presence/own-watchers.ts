/* Who watches our person at the server that keeps their presence, and who asks to: watcher information (RFC 3857). */
import {
  readWatcherInfo,
  watcherInfoType,
  WatcherLists,
  type Incoming,
  type SipRequest,
} from '#protocols/sip';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import { addressOf, domainOf } from '../sip.addresses.js';
import type { Askers, Standing } from './askers.js';
import { Subscription, type SubscriptionState } from './subscription.js';

const expires = 3_600;

export class OwnWatchers implements Service {
  readonly methods = ['NOTIFY'];
  readonly #parts: Parts;
  readonly #askers: Askers;
  readonly #lists = new WatcherLists();
  readonly #subscription: Subscription;

  constructor(parts: Parts, askers: Askers) {
    this.#parts = parts;
    this.#askers = askers;
    this.#subscription = new Subscription(parts, {
      target: parts.line.self,
      event: 'presence.winfo',
      accept: watcherInfoType,
      expires,
      heard: (request, state) => {
        this.#heard(request, state);
      },
      lost: () => {
        // What was told holds until somebody says otherwise; versions begin anew with the next subscription.
        this.#lists.reset();
      },
    });
  }

  online(): void {
    this.#lists.reset();
    void this.#subscription.begin();
  }

  offline(): void {
    this.#subscription.stop();
  }

  async leave(): Promise<void> {
    await this.#subscription.end();
  }

  takes(incoming: Incoming): boolean {
    return this.#subscription.owns(incoming);
  }

  take(incoming: Incoming): void {
    this.#subscription.take(incoming);
  }

  #heard({ body }: SipRequest, state: SubscriptionState): void {
    if (body.length === 0 || state === 'terminated') return;
    const info = readWatcherInfo(body);
    if ('fault' in info) {
      const { context, account } = this.#parts;
      context.log.info({ account, fault: info.fault }, 'a list of watchers could not be read');
      return;
    }
    switch (this.#lists.take(info)) {
      case 'old':
        return;
      case 'gap':
        // Only all of it is right again (RFC 3858 §4).
        this.#lists.reset();
        void this.#subscription.refresh();
        return;
      case 'taken':
        this.#tell();
    }
  }

  #tell(): void {
    const { self } = this.#parts.line;
    const standing = new Map<string, { readonly name: string | undefined; readonly standing: Standing }>();
    for (const { uri, status, displayName } of this.#lists.watchers()) {
      const address = addressOf(uri, domainOf(self));
      if (address === undefined || address === self) continue;
      // Who sees by one device sees.
      if (standing.get(address)?.standing === 'sees') continue;
      standing.set(address, { name: displayName, standing: status === 'active' ? 'sees' : 'asks' });
    }
    this.#askers.replace(
      'server',
      [...standing].map(([address, { name, standing: how }]) => ({
        party: { address, kind: 'stable', ...(name !== undefined && { name }) },
        standing: how,
      })),
    );
  }
}
