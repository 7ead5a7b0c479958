/*
 * What can be done here: what our server, our account and the services beside them say of themselves (XEP-0030), asked
 * once per binding and kept; and what we say of ourselves, with the hash that our presence bears (XEP-0115).
 */
import type { IqReply, Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { sharedInfoOf } from './disco-answers.js';
import {
  infoAnswer,
  infoAsk,
  infoNs,
  isA,
  itemsAnswer,
  itemsAsk,
  itemsNs,
  itemsOf,
  type DiscoInfo,
} from './xep/0030.js';
import { caps, capsNs, capsNode, verOf } from './xep/0115.js';
import { bareOf } from './xmpp.addresses.js';

/** What our caps hash is asked at: the name of the software. */
const node = 'urn:parley:client';
const identity = { category: 'client', type: 'web', name: 'Parley' };
/** Services beside a server that are looked at, and answers that are kept. */
const mostServices = 50;
const mostKept = 500;

export interface Found {
  readonly jid: string;
  readonly info: DiscoInfo;
}

export class Disco implements Service {
  readonly features = [infoNs, itemsNs, capsNs];
  readonly #parts: Parts;
  readonly #ours: () => readonly string[];
  readonly #kept = new Map<string, Promise<DiscoInfo | undefined>>();
  #services: Promise<readonly Promise<Found | undefined>[]> | undefined;

  /** @param ours what the crew understands, complete by the time somebody asks. */
  constructor(parts: Parts, ours: () => readonly string[]) {
    this.#parts = parts;
    this.#ours = ours;
  }

  /** What somebody says of themselves; kept for the binding. Undefined where they do not say. */
  async info(jid: string): Promise<DiscoInfo | undefined> {
    const known = this.#kept.get(jid);
    if (known !== undefined) return known;
    const asked = this.#ask(jid);
    if (this.#kept.size < mostKept) this.#kept.set(jid, asked);
    return asked;
  }

  /** Asks anew the next time: what was said may have changed. */
  forget(jid: string): void {
    this.#kept.delete(jid);
  }

  async server(): Promise<DiscoInfo | undefined> {
    return this.info(this.#parts.port.self.domain);
  }

  /** Our own account's: the archive, PEP. */
  async account(): Promise<DiscoInfo | undefined> {
    return this.info(this.#parts.port.self.bare);
  }

  /**
   * The first service beside our server that says that it is of a kind, with a feature; undefined when all have answered
   * and none is. One that is gone and answers late holds nobody up. Servers are left out.
   */
  async service(category: string, type: string, feature?: string): Promise<Found | undefined> {
    this.#services ??= this.#find();
    const fits = ({ info }: Found): boolean =>
      !isA(info, 'server') &&
      isA(info, category, type) &&
      (feature === undefined || info.features.includes(feature));
    const asked = await this.#services;
    const fitting = asked.map(async (one) => {
      const found = await one;
      if (found === undefined || !fits(found)) throw new Error('It is another.');
      return found;
    });
    return Promise.any(fitting).catch(() => undefined);
  }

  /** What our presence bears. */
  caps(): Element {
    return caps(node, this.#ver());
  }

  online(how: 'new' | 'resumed'): void {
    if (how === 'resumed') return;
    this.#kept.clear();
    this.#services = undefined;
  }

  asked(iq: Element, payload: Element, reply: IqReply): boolean {
    if (iq.attrs['type'] !== 'get') return false;
    const at = payload.attrs['node'];
    if (payload.is('query', infoNs)) {
      if (at === undefined || at === capsNode({ node, ver: this.#ver() })) {
        reply.result(infoAnswer([identity], this.#ours(), at));
      } else reply.error('cancel', 'item-not-found');
      return true;
    }
    if (payload.is('query', itemsNs)) {
      reply.result(itemsAnswer([], at));
      return true;
    }
    return false;
  }

  async #ask(jid: string): Promise<DiscoInfo | undefined> {
    const answer = await this.#parts.port.iq({ type: 'get', to: jid, payload: infoAsk() });
    if (answer.ok) return sharedInfoOf(answer.payload);
    // Nobody answered: whoever asks again may be luckier.
    if (answer.condition === undefined) this.#kept.delete(jid);
    return undefined;
  }

  /** Asks everybody beside our server who they are. */
  async #find(): Promise<readonly Promise<Found | undefined>[]> {
    const { domain } = this.#parts.port.self;
    const answer = await this.#parts.port.iq({ type: 'get', to: domain, payload: itemsAsk() });
    const items = answer.ok ? (itemsOf(answer.payload)?.items ?? []) : [];
    const jids = new Set(items.slice(0, mostServices).flatMap(({ jid }) => bareOf(jid) ?? []));
    jids.delete(domain);
    return [...jids].map(async (jid) => {
      const info = await this.info(jid);
      return info && { jid, info };
    });
  }

  #ver(): string {
    return verOf({ identities: [identity], features: this.#ours(), forms: [], clipped: false }) ?? '';
  }
}
