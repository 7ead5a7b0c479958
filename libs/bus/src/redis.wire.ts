import { logger, type Finding } from '#platform';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Listeners, longestText, Wire } from './wire.js';

const log = logger('bus');

const reconnectMs = { first: 100, most: 2_000 };
/** A connection that was cut without a word is found by asking. */
const probeEveryMs = 10_000;

const options = {
  // What cannot be said now is lost, not kept: nobody waits for an old hint.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 5_000,
  connectTimeout: 5_000,
  // Ours, so that listeners hear of the gap after the subscriptions stand again.
  autoResubscribe: false,
  keepAlive: 10_000,
  retryStrategy: (times: number) => Math.min(reconnectMs.most, reconnectMs.first * times),
};

/** Redis publish and subscribe, for several processes. Two connections, because a subscribed one takes no other command. */
export class RedisWire extends Wire {
  readonly #self = randomUUID();
  readonly #listeners = new Listeners();
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  /** Publish and subscribe know no databases: keeps installations apart that share one server. */
  readonly #prefix: string;
  readonly #probe: NodeJS.Timeout;
  #cut = false;

  constructor(url: string) {
    super();
    this.#publisher = new Redis(url, { ...options, connectionName: 'parley-publish' });
    this.#subscriber = new Redis(url, { ...options, connectionName: 'parley-subscribe' });
    this.#prefix = `parley:${String(this.#subscriber.options.db ?? 0)}:`;
    for (const connection of [this.#publisher, this.#subscriber]) {
      connection.on('error', (err: Error) => {
        if (!this.#cut) log.warn({ err }, 'Redis is away, the tables are polled');
        this.#cut = true;
      });
      connection.on('ready', () => {
        if (this.#cut && this.#ready) {
          this.#cut = false;
          log.info({}, 'Redis is back');
        }
      });
    }
    this.#subscriber.on('ready', () => void this.#subscribe(this.#listeners.channels));
    this.#subscriber.on('message', (channel: string, message: string) => {
      const end = message.indexOf(' ');
      if (message.slice(0, end) === this.#self) return;
      this.#listeners.hand(channel.slice(this.#prefix.length), message.slice(end + 1));
    });
    this.#probe = setInterval(() => {
      for (const connection of [this.#publisher, this.#subscriber]) void this.#ask(connection);
    }, probeEveryMs).unref();
  }

  override async send(channel: string, text: string): Promise<number | undefined> {
    if (!isReady(this.#publisher) || text.length > longestText) return 0;
    try {
      return await this.#publisher.publish(this.#prefix + channel, `${this.#self} ${text}`);
    } catch {
      // On its way when the connection went: it may have arrived.
      return undefined;
    }
  }

  override listen(channel: string, receive: (text: string) => void, mended: () => void): () => void {
    return this.#listeners.add(channel, receive, mended, {
      first: () => void this.#subscribe([channel]),
      last: () => void this.#unsubscribe(channel),
    });
  }

  /** For whoever asks how this installation does. */
  health(): Finding {
    return this.#ready ? { status: 'ok' } : { status: 'degraded', why: 'Redis cannot be reached' };
  }

  override close(): Promise<void> {
    clearInterval(this.#probe);
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    return Promise.resolve();
  }

  get #ready(): boolean {
    return isReady(this.#publisher) && isReady(this.#subscriber);
  }

  /** Where it fails the connection is gone, and everything is subscribed anew when it is back. */
  async #subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length === 0 || !isReady(this.#subscriber)) return;
    try {
      await this.#subscriber.subscribe(...channels.map((channel) => this.#prefix + channel));
      this.#listeners.mended(channels);
    } catch (err) {
      log.debug({ err }, 'cannot subscribe');
      if (isReady(this.#subscriber)) this.#subscriber.disconnect(true);
    }
  }

  async #unsubscribe(channel: string): Promise<void> {
    if (!isReady(this.#subscriber)) return;
    await this.#subscriber.unsubscribe(this.#prefix + channel).catch(() => undefined);
  }

  async #ask(connection: Redis): Promise<void> {
    if (!isReady(connection)) return;
    try {
      await connection.ping();
    } catch {
      if (isReady(connection)) connection.disconnect(true);
    }
  }
}

function isReady(connection: Redis): boolean {
  return connection.status === 'ready';
}
