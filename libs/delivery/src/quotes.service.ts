import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import type { QuoteAnswer, QuoteBody, Quoted, Recipient } from '#api';
import type { Assessment } from '#connector';
import { conversationKey } from '#conversations';
import { Meter, toAmount, type Charge, type Till } from '#metering';
import { failure, newId, type Failure, type MessageContent } from '#model';
import { Clock, Database } from '#platform';
import { assess, leavingAt, type Leaving } from './assess.js';
import { movedOn } from './envelope.store.js';
import { optedOut, OptOutStore } from './opt-out.store.js';
import { QuoteStore } from './quote.store.js';
import { contentOf, Routing, type Content, type Routed } from './routing.js';

/** Recipients that are looked at in one go. */
const SLICE = 100;

/** What is known of one recipient before the price. */
interface Judged {
  readonly routed?: Routed;
  readonly assessment?: Assessment;
  readonly leaving?: Leaving;
  readonly failure?: Failure;
}

/** What a message would cost, before it is sent: nothing is stored, and no policy is asked. */
@Injectable()
export class Quotes {
  constructor(
    private readonly database: Database,
    private readonly routing: Routing,
    private readonly store: QuoteStore,
    private readonly optOuts: OptOutStore,
    private readonly meter: Meter,
    private readonly clock: Clock,
  ) {}

  /** One quote per recipient, each as if those before it had been sent. */
  async quote(caller: Principal, body: QuoteBody): Promise<QuoteAnswer> {
    const { workspace, person } = caller;
    const content = await this.routing.attach(caller, contentOf(body), body.attachments);
    const judged: Judged[] = [];
    for (let from = 0; from < body.to.length; from += SLICE) {
      const some = body.to.slice(from, from + SLICE);
      if ('failure' in content) judged.push(...some.map(() => content));
      else judged.push(...(await this.judge(caller, some, content, body)));
      await new Promise((turn) => setImmediate(turn));
    }
    const accounts = new Set(judged.flatMap(({ routed }) => routed?.account ?? []));
    const till = await this.meter.peek(
      workspace,
      [...accounts].map((account) => ({ account, person })),
    );
    let total = 0n;
    const results = body.to.map((to, index): Quoted => {
      const one = judged[index] ?? { failure: failure('internal') };
      const { charge, failure: why } = this.price(caller, till, one);
      if (!why) total += BigInt(charge?.price ?? '0');
      return quotedOf(to, one, charge, why);
    });
    return { results, currency: till.currency, total: toAmount(total) };
  }

  private async judge(
    caller: Principal,
    to: readonly Recipient[],
    content: Content,
    { via, scheduleAt, urgent = false }: QuoteBody,
  ): Promise<Judged[]> {
    const routes = await Promise.all(to.map((recipient) => this.routing.of(caller, recipient, via)));
    const known = routes.flatMap((route) => ('failure' in route ? [] : [route]));
    const places = await this.store.places(
      this.database,
      known.flatMap(({ conversation }) => conversation ?? []),
    );
    const said = await this.optOuts.said(
      this.database,
      known.flatMap(({ conversation, account, address }) => (conversation ? [] : [{ account, address }])),
    );
    const now = new Date(this.clock.now());
    const when = scheduleAt === undefined ? undefined : new Date(scheduleAt);
    return routes.map((routed): Judged => {
      if ('failure' in routed) return routed;
      const { link, account, kind, conversation } = routed;
      const place = conversation ? places.get(conversation) : undefined;
      if (conversation && !place)
        return { failure: failure('not-found', 'There is no such conversation any more.') };
      const address = place?.address ?? routed.address;
      const silenced = place?.silenced ?? said.get(conversationKey(account, address))?.optedOut ?? false;
      const ask = { to: address, kind, content: content as MessageContent, at: when ?? now };
      const assessment = assess(link, ask);
      const why = place?.held === false ? movedOn : silenced ? optedOut : assessment?.failure;
      return {
        routed,
        ...(assessment ? { assessment, leaving: leavingAt(when, now, assessment, urgent) } : {}),
        ...(why ? { failure: why } : {}),
      };
    });
  }

  private price(
    { person }: Principal,
    till: Till,
    { routed, assessment, failure: refused }: Judged,
  ): { readonly charge?: Charge; readonly failure?: Failure } {
    if (!routed) return refused ? { failure: refused } : {};
    const metered = {
      account: routed.account,
      person,
      connector: routed.link.protocol,
      ...(assessment ? { parts: assessment.parts, destinations: assessment.destinations } : {}),
    };
    const weighed = till.weigh(metered);
    if (refused) return { ...weighed, failure: refused };
    if (!weighed.failure) till.take({ ...metered, envelope: newId(), message: newId() });
    return weighed;
  }
}

function quotedOf(
  to: Recipient,
  { assessment, leaving }: Judged,
  charge: Charge | undefined,
  why: Failure | undefined,
): Quoted {
  const { scheduleAt: at, why: reason } = leaving ?? {};
  return {
    to,
    parts: assessment?.parts ?? null,
    coding: assessment?.coding ?? null,
    units: assessment?.units ?? null,
    unitsLeft: assessment?.unitsLeft ?? null,
    price: charge?.price === undefined ? null : toAmount(BigInt(charge.price)),
    notBefore: at && reason !== undefined ? { at: at.toISOString(), why: reason } : null,
    failure: why ?? null,
  };
}
