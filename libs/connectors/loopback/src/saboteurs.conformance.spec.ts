/*
 * A suite that cannot fail proves nothing. Each connector here is the loopback, broken in one way on purpose; the named
 * test of the kit must see it.
 */
import { lookup } from 'node:dns/promises';
import { describe, expect, it } from '@jest/globals';
import { can } from '#connector';
import type {
  AcceptsHttp,
  Assessment,
  Connector,
  EmitOutcome,
  HasHistory,
  HistoryOutcome,
  InboundBatch,
  InboundEvent,
  IngressOutcome,
  MarksRead,
  PlacesCalls,
  OutboundEnvelope,
  SendOutcome,
  Session,
  SessionContext,
  TakesIngress,
  TakesRequests,
} from '#connector';
import { runCase } from '#connector/testing';
import { loopback } from './loopback.connector.js';
import { loopbackHarness } from './loopback.harness.js';

// Longer than any wait for a fact.
type Emit = SessionContext['emit'];

/** The loopback with something between it and the house, or between the house and it. */
function broken(breaks: {
  readonly context?: (context: SessionContext, session: () => Session) => Partial<SessionContext>;
  readonly session?: (
    session: Session,
  ) => Partial<Session & TakesRequests & HasHistory & MarksRead & TakesIngress & PlacesCalls>;
}): Connector {
  return {
    ...loopback,
    open(link, context) {
      const seen = over(context, breaks.context?.(context, () => session) ?? {});
      const inner = loopback.open(link, seen);
      const session: Session = over(inner, breaks.session?.(inner) ?? {});
      return session;
    },
  };
}

/** The same object with some members replaced; the others still see their own `this`. */
function over<T extends object>(object: T, members: Partial<T>): T {
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = Reflect.get(key in members ? members : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function judging(change: (assessment: Assessment) => Assessment): Connector {
  return {
    ...loopback,
    assess(ask) {
      const assessment = loopback.assess?.(ask);
      if (!assessment) throw new Error('the loopback judges messages');
      return change(assessment);
    },
  };
}

function pastOf(session: Session): HasHistory {
  if (!can(session, 'has-history')) throw new Error('the loopback has history');
  return session;
}

function exchangeOf(session: Session): PlacesCalls {
  if (!can(session, 'places-calls')) throw new Error('the loopback places calls');
  return session;
}

/** What it hears of its provider becomes something else. */
function hearing(change: (outcome: IngressOutcome) => IngressOutcome): Connector & AcceptsHttp {
  return { ...loopback, ingress: (request, to) => change(loopback.ingress(request, to)) };
}

function remembering(
  change: (page: Extract<HistoryOutcome, { outcome: 'done' }>) => HistoryOutcome,
): Connector {
  return broken({
    session: (session) => ({
      history: async (account, ask, signal) => {
        const page = await pastOf(session).history(account, ask, signal);
        return page.outcome === 'done' ? change(page) : page;
      },
    }),
  });
}

function emitting(change: (emit: Emit, batch: InboundBatch) => ReturnType<Emit>): Connector {
  return broken({ context: (context) => ({ emit: (batch) => change((b) => context.emit(b), batch) }) });
}

function rewriting(change: (event: InboundEvent) => InboundEvent): Connector {
  return emitting((emit, batch) => emit({ ...batch, events: batch.events.map(change) }));
}

function answering(change: (outcome: EmitOutcome) => EmitOutcome): Connector {
  return emitting(async (emit, batch) => (await emit(batch)).map(change));
}

function sending(
  change: (session: Session, envelope: OutboundEnvelope, signal: AbortSignal) => Promise<SendOutcome>,
) {
  return broken({
    session: (session) => ({ send: (envelope, signal) => change(session, envelope, signal) }),
  });
}

const stored: EmitOutcome = { outcome: 'stored' };
const text = (event: InboundEvent, change: (text: string) => string): InboundEvent =>
  event.type === 'message'
    ? { ...event, content: { ...event.content, text: change(event.content.text) } }
    : event;

/** The event, or whatever it is, without one of its optional fields. */
function without<T extends object>(event: T, ...fields: readonly string[]): T {
  return Object.fromEntries(Object.entries(event).filter(([name]) => !fields.includes(name))) as unknown as T;
}

const saboteurs: readonly {
  readonly does: string;
  readonly caught: string;
  readonly connector: Connector;
  readonly settings?: Record<string, number>;
}[] = [
  {
    does: 'acknowledges before the commit',
    caught: 'commit-first',
    connector: emitting((emit, batch) => {
      void emit(batch);
      return Promise.resolve(batch.events.map(() => stored));
    }),
  },
  {
    does: 'takes doubt for success',
    caught: 'in-doubt',
    connector: answering((outcome) => (outcome.outcome === 'in-doubt' ? stored : outcome)),
  },
  {
    does: 'never tells that a call was missed',
    caught: 'rung',
    connector: emitting(async (emit, batch) => {
      const told = batch.events.filter((event) => event.type !== 'call' || event.state !== 'missed');
      await emit({ ...batch, events: told });
      return batch.events.map(() => stored);
    }),
  },
  {
    does: 'calls its own phone, whichever was asked for',
    caught: 'places-calls',
    connector: broken({
      session: (session) => ({
        placeCall: (account, { call, to }) => exchangeOf(session).placeCall(account, { call, to }),
      }),
    }),
  },
  {
    does: 'leaves a call ringing that is declined',
    caught: 'declines',
    connector: broken({ session: () => ({ endCall: () => Promise.resolve({ outcome: 'ending' }) }) }),
  },
  {
    does: 'goes on without the port that is taken',
    caught: 'listens',
    connector: {
      ...loopback,
      open: (link, context) =>
        loopback.open({ ...link, settings: without(link.settings, 'doorbellPort') }, context),
    },
  },
  {
    does: 'takes not stored for stored',
    caught: 'not-stored',
    connector: answering((outcome) => (outcome.outcome === 'not-stored' ? stored : outcome)),
  },
  {
    does: 'tries again what was refused for good',
    caught: 'refused-event',
    connector: answering((outcome) =>
      outcome.outcome === 'refused' ? { outcome: 'not-stored', retryAfterMs: 1 } : outcome,
    ),
  },
  {
    does: 'never acknowledges a duplicate',
    caught: 'redelivered-duplicates',
    connector: answering((outcome) => (outcome.outcome === 'duplicate' ? { outcome: 'in-doubt' } : outcome)),
  },
  {
    does: 'goes on when fenced',
    caught: 'fenced',
    connector: answering((outcome) => (outcome.outcome === 'fenced' ? stored : outcome)),
  },
  {
    does: 'hands over more than the limit',
    caught: 'storage-away',
    connector: broken({ context: () => ({ emitLimit: 100_000 }) }),
  },
  {
    does: 'hands over in the wrong order',
    caught: 'order-in',
    connector: emitting(async (emit, batch) => {
      const outcomes = await emit({ ...batch, events: batch.events.toReversed() });
      return outcomes.toReversed();
    }),
  },
  {
    does: 'hands over everything twice',
    caught: 'order-in',
    connector: emitting(async (emit, batch) => {
      const bare = batch.events.map((event) =>
        event.type === 'message' ? without(event, 'remoteId', 'otherIds') : event,
      );
      void emit({ events: bare });
      return emit(batch);
    }),
  },
  {
    does: 'takes its own words for somebody else’s',
    caught: 'echo',
    connector: rewriting((event) => {
      if (event.type !== 'message' || event.origin !== 'own') return event;
      return { ...without(event, 'wireId'), origin: 'remote' };
    }),
  },
  {
    does: 'corrupts what is beyond the first plane',
    caught: 'unicode',
    connector: rewriting((event) =>
      text(event, (whole) => whole.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?')),
    ),
  },
  {
    does: 'invents an error code',
    caught: 'unreachable',
    connector: broken({
      context: (context) => ({
        state: (account, state) => {
          context.state(account, 'code' in state ? { ...state, code: 'oops' as 'unknown' } : state);
        },
      }),
    }),
  },
  {
    does: 'connects out of turn',
    caught: 'unreachable',
    connector: broken({
      context: () => ({ turn: () => Promise.resolve({ turn: 'go', addresses: ['127.0.0.1'] }) }),
    }),
  },
  {
    does: 'connects where it may not',
    caught: 'refused-turn',
    connector: broken({
      context: (context) => ({
        turn: async (target) => {
          await context.turn(target);
          return { turn: 'go', addresses: ['127.0.0.1'] };
        },
      }),
    }),
  },
  {
    does: 'looks names up by itself',
    caught: 'judged-address',
    connector: broken({
      context: (context) => ({
        turn: async (target) => {
          await context.turn(target);
          return { turn: 'go', addresses: [(await lookup(target.host)).address] };
        },
      }),
    }),
  },
  {
    does: 'tries wrong secrets again',
    caught: 'auth-failed',
    connector: broken({
      context: (context, session) => ({
        state: (account, state) => {
          context.state(account, state);
          if (state.state === 'needs-person')
            setImmediate(() => {
              session().connect();
            });
        },
      }),
    }),
  },
  {
    does: 'never notices a silent link',
    caught: 'half-open',
    connector: loopback,
    settings: { pingMs: 60_000 },
  },
  {
    does: 'speaks after its end',
    caught: 'close',
    connector: broken({
      context: (context) => ({
        state: (account, state) => {
          context.state(account, state);
          if (state.state === 'offline')
            setTimeout(() => {
              context.state(account, state);
            }, 1);
        },
      }),
    }),
  },
  {
    does: 'leaves sends hanging',
    caught: 'send-while-lost',
    connector: sending(async (session, envelope, signal) => {
      const outcome = await session.send(envelope, signal);
      return outcome.outcome === 'unknown' ? new Promise(() => undefined) : outcome;
    }),
  },
  {
    does: 'sends out of order',
    caught: 'order-out',
    connector: sending(async (session, envelope, signal) => {
      if (Number(envelope.content.text.at(-1)) % 2 === 0) await new Promise((later) => setTimeout(later, 3));
      return session.send(envelope, signal);
    }),
  },
  {
    does: 'calls sent what never left',
    caught: 'direct',
    connector: sending(() => Promise.resolve({ outcome: 'sent', parts: [{}] })),
  },
  {
    does: 'calls sent what may be lost',
    caught: 'sent-is-sent',
    connector: sending(async (session, envelope, signal) => {
      const outcome = await session.send(envelope, signal);
      const remoteId = { scope: 'x', id: envelope.id, by: 'network' } as const;
      return outcome.outcome === 'unknown' ? { outcome: 'sent', parts: [{ remoteId }] } : outcome;
    }),
  },
  {
    does: 'rejects',
    caught: 'aborted',
    connector: sending((session, envelope, signal) =>
      signal.aborted ? Promise.reject(new Error('aborted')) : session.send(envelope, signal),
    ),
  },
  {
    does: 'keeps what is sent offline and sends it later',
    caught: 'offline-send',
    connector: sending(async (session, envelope, signal) => {
      for (let tries = 0; ; tries++) {
        const outcome = await session.send(envelope, signal);
        if (outcome.outcome !== 'later' || tries > 100) return outcome;
        await new Promise((again) => setTimeout(again, 5));
      }
    }),
  },
  {
    does: 'lets a text end a line and begin another',
    caught: 'injection',
    connector: sending((session, envelope, signal) => {
      for (const line of envelope.content.text.split(/[\r\n]+/)) {
        if (!line.startsWith('{')) continue;
        const { text: hidden } = JSON.parse(line) as { readonly text: string };
        void session.send({ ...envelope, kind: 'message', content: { text: hidden } }, signal);
      }
      return session.send(envelope, signal);
    }),
  },
  {
    does: 'declares what it cannot do',
    caught: 'abilities',
    connector: {
      ...loopback,
      open: (link, context) =>
        loopback.open({ ...link, settings: { ...link.settings, resolvesUnknown: false } }, context),
    },
  },
  {
    does: 'does what it does not declare',
    caught: 'abilities',
    connector: { ...loopback, describe: () => ({ ...loopback.describe(), abilities: [] }) },
  },
  {
    does: 'has a schema that its own settings fail',
    caught: 'describes-settings',
    connector: {
      ...loopback,
      describe: () => {
        const description = loopback.describe();
        return { ...description, settings: { ...description.settings, properties: {} } };
      },
    },
  },
  {
    does: 'takes any text for an address',
    caught: 'addresses-refuse',
    connector: {
      ...loopback,
      addresses: { ...loopback.addresses, parse: (value) => ({ value, kind: 'stable' }) },
    },
  },
  {
    does: 'says that an account has left when it has not',
    caught: 'detach',
    connector: broken({ session: () => ({ detach: () => Promise.resolve() }) }),
  },
  {
    does: 'tells what is long past as if it happened now',
    caught: 'history',
    connector: remembering((page) => ({
      ...page,
      events: page.events.map((event) => ({ ...event, mode: 'live' as const })),
    })),
  },
  {
    does: 'gives the same page for ever',
    caught: 'history',
    connector: broken({
      session: (session) => ({
        history: (account, { conversation, limit }, signal) =>
          pastOf(session).history(account, { conversation, limit }, signal),
      }),
    }),
  },
  {
    does: 'forgets the ids of what is past',
    caught: 'history-ids',
    connector: remembering((page) => ({
      ...page,
      events: page.events.map((event) => without(event, 'remoteId')),
    })),
  },
  {
    does: 'takes an aborted question for an empty past',
    caught: 'history-refused',
    connector: broken({
      session: (session) => ({
        history: async (account, ask, signal) => {
          const page = await pastOf(session).history(account, ask, signal);
          return page.outcome === 'done' ? page : { outcome: 'done', events: [], complete: true };
        },
      }),
    }),
  },
  {
    does: 'says that it has missed what it has heard',
    caught: 'catches-up',
    connector: emitting((emit, batch) => {
      const gaps = batch.events.flatMap((event): InboundEvent[] =>
        event.type === 'message'
          ? [{ type: 'gap', account: event.account, from: event.at, until: event.at, reason: 'gone' }]
          : [],
      );
      return emit({ ...batch, events: [...batch.events, ...gaps] });
    }),
  },
  {
    does: 'keeps to itself what was read',
    caught: 'marks-out',
    connector: broken({ session: () => ({ markRead: () => undefined }) }),
  },
  {
    does: 'keeps to itself what is read elsewhere',
    caught: 'marks-in',
    connector: emitting((emit, batch) =>
      emit({ ...batch, events: batch.events.filter(({ type }) => type !== 'read') }),
    ),
  },
  {
    does: 'keeps to itself who asks for no more',
    caught: 'consent',
    connector: rewriting((event) => without(event, 'consent')),
  },
  {
    does: 'counts one part too many',
    caught: 'assess-parts',
    connector: judging((assessment) => ({ ...assessment, parts: assessment.parts + 1 })),
  },
  {
    does: 'puts off a message to a time that is past',
    caught: 'assess-sound',
    connector: judging((assessment) => ({
      ...assessment,
      notBefore: { at: new Date(0), why: 'It is late.' },
    })),
  },
  {
    does: 'takes its time to judge a message',
    caught: 'assess-quick',
    connector: judging((assessment) => {
      const until = performance.now() + 60;
      while (performance.now() < until);
      return assessment;
    }),
  },
  {
    does: 'forgets what it could not store',
    caught: 'webhook-later',
    connector: broken({
      session: (session) => ({
        takeIn: async (account, item) => {
          if (can(session, 'accepts-http')) await session.takeIn(account, item);
          return 'taken';
        },
      }),
    }),
  },
  {
    does: 'believes whoever calls',
    caught: 'webhook-forged',
    connector: hearing((outcome) => ({ outcome: 'accepted', items: [], answer: outcome.answer })),
  },
  {
    does: 'calls the same fact something else each time',
    caught: 'webhook-replayed',
    connector: hearing((outcome) =>
      outcome.outcome === 'refused'
        ? outcome
        : { ...outcome, items: outcome.items.map((one) => ({ ...one, id: String(Math.random()) })) },
    ),
  },
  {
    does: 'cannot say that it is called',
    caught: 'abilities',
    connector: {
      ...loopback,
      describe: () => ({
        ...loopback.describe(),
        abilities: loopback.describe().abilities.filter((name) => name !== 'accepts-http'),
      }),
    },
  },
  {
    does: 'rejects a request that it does not know',
    caught: 'requests',
    connector: broken({
      session: () => ({
        request: () => Promise.reject(new Error('what?')),
      }),
    }),
  },
];

describe('the conformance kit sees a connector that', () => {
  for (const { does, caught, connector, settings = {} } of saboteurs) {
    it(`${does} (${caught})`, async () => {
      const harness = loopbackHarness(settings, connector);
      const quick = { ...harness, timing: { ...harness.timing, factMs: 250 } };
      await expect(runCase(quick, caught)).rejects.toThrow();
    });
  }
});
