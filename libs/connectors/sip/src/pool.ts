/*
 * The sockets that all accounts of this worker share: one stack, made when the first account comes and gone with the last.
 * Each account has a name in its Contact that nobody guesses, and by it what comes finds the account.
 */
import { createHash } from 'node:crypto';
import type { AccountId } from '#model';
import { parseUri, SipStack, type Flow, type Incoming, type Timers } from '#protocols/sip';
import { acceptedTypes } from './from-sip.js';
import { expected, methods } from './methods.js';

export type Taker = (incoming: Incoming) => void;

/** A place at the pool. */
export interface Seat {
  readonly stack: SipStack;
  /** The first part of our Contact. */
  readonly name: string;
  /** Gives it back; with the last one the sockets go. */
  leave(): Promise<void>;
}

export class Pool {
  readonly #timers: Partial<Timers>;
  readonly #takers = new Map<string, Taker>();
  #stack: SipStack | undefined;
  #taken = 0;

  constructor(timers: Partial<Timers>) {
    this.#timers = timers;
  }

  /** Takes a seat under a name; who had it before hears nothing any more. */
  enter(name: string, taker: Taker): Seat {
    const stack = (this.#stack ??= this.#make());
    this.#taken++;
    this.#takers.set(name, taker);
    let left = false;
    const leave = async (): Promise<void> => {
      if (left) return;
      left = true;
      if (this.#takers.get(name) === taker) this.#takers.delete(name);
      if (--this.#taken > 0) return;
      this.#stack = undefined;
      await stack.close();
    };
    return { stack, name, leave };
  }

  #make(): SipStack {
    return new SipStack({
      userAgent: 'Parley',
      timers: this.#timers,
      expected,
      onRequest: (incoming) => {
        this.#take(incoming);
      },
    });
  }

  #take(incoming: Incoming): void {
    const { request } = incoming;
    const name = parseUri(request.uri)?.user;
    const taker = name === undefined ? undefined : this.#takers.get(name);
    if (taker !== undefined) taker(incoming);
    else if (request.method === 'OPTIONS' && name === undefined) answerOptions(incoming);
    else incoming.dismiss(404);
  }
}

/** Says what we can do (RFC 3261 §11.2). */
export function answerOptions(incoming: Incoming): void {
  incoming.respond(200, {
    headers: {
      allow: methods.join(', '),
      // Of calls we take what they offer, although nobody is heard here.
      accept: `application/sdp, ${acceptedTypes}`,
      'accept-encoding': 'deflate, gzip, identity',
      'allow-events': 'presence',
      supported: 'outbound, path',
    },
  });
}

/** Our Contact under a name, over a flow. */
export function contactUri(name: string, { transport, local }: Flow): string {
  const host = local.address.includes(':') ? `[${local.address}]` : local.address;
  const how = transport === 'udp' ? '' : `;transport=${transport}`;
  return `sip:${name}@${host}:${String(local.port)}${how}`;
}

/** The first part of an account's Contact: nobody guesses it. */
export function contactName(account: AccountId): string {
  return createHash('sha256').update(account).digest('hex').slice(0, 20);
}
