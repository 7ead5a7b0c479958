/*
 * Items in a node of our own account that nobody else may see (XEP-0223): the node is as it must be with the first item,
 * or nothing is published. Not every server takes every option with an item; what it does not take is set after it.
 */
import type { IqAnswer, Port } from './core/port.js';
import type { Element } from './core/xml.js';
import type { FieldValue } from './xep/0004.js';
import { configuring, isPreconditionUnmet, publishing } from './xep/0060.js';

type Options = Readonly<Record<string, FieldValue>>;

const access = 'pubsub#access_model';

export class PrivateItems {
  readonly #port: Port;
  readonly #node: string;
  readonly #options: Options;
  /** What the server takes with an item. */
  #taken: Options;

  /** @param options how the node must be. */
  constructor(port: Port, node: string, options: Options) {
    this.#port = port;
    this.#node = node;
    this.#options = options;
    this.#taken = options;
  }

  /** Publishes an item. Never rejects. */
  async publish(id: string, payload: Element): Promise<IqAnswer> {
    const first = await this.#publish(id, payload);
    if (first.ok || first.condition === undefined) return first;
    if (isPreconditionUnmet(first.error)) {
      const mended = await this.#set(configuring(this.#node, this.#options));
      return mended.ok ? this.#publish(id, payload) : mended;
    }
    const { [access]: whose } = this.#options;
    if (whose === undefined || this.#taken !== this.#options) return first;
    // Some servers know few options, and refuse all for one that they do not know. This one they must.
    this.#taken = { [access]: whose };
    const second = await this.publish(id, payload);
    if (second.ok) await this.#set(configuring(this.#node, this.#options));
    else this.#taken = this.#options;
    return second;
  }

  async #publish(id: string, payload: Element): Promise<IqAnswer> {
    return this.#set(publishing(this.#node, payload, id, this.#taken));
  }

  async #set(payload: Element): Promise<IqAnswer> {
    return this.#port.iq({ type: 'set', payload });
  }
}
