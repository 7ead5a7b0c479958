/* A network that does what a test says, on a clock that a test moves: what is asked waits for its answer. */
import type { AttachedAccount } from '#connector';
import { ManualClock, TestContext } from '#connector/testing';
import { Keeper } from '#connector/session';
import { newId } from '#model';
import {
  requestOf,
  responseOf,
  type Answer,
  type Flow,
  type Incoming,
  type SipRequest,
} from '#protocols/sip';
import type { AskOptions, Line } from '../line.js';
import type { Parts } from '../parts.js';
import { domainOf, partyOf } from '../sip.addresses.js';
import { usualTimings } from '../timings.js';

/** A request of ours that waits for its answer. */
export interface Asked {
  readonly request: SipRequest;
  readonly options: AskOptions;
  readonly header: (name: string) => string | undefined;
  /** Answers it, and lets everything happen that follows. */
  answer(status: number, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** Nothing comes back. */
  fail(): Promise<void>;
}

/** What a request to us was answered. */
export interface Answered {
  status?: number;
  header?: (name: string) => string | undefined;
}

export const self = 'alice@example.org';
const flow = {} as Flow;

export class Scene {
  readonly clock: ManualClock;
  /** The longest that anything was to wait, in milliseconds. */
  longestWait = 0;
  readonly house: TestContext;
  readonly account: AttachedAccount['id'];
  readonly asked: Asked[] = [];
  readonly parts: Parts;

  /** @param before the scene whose house this one is in, after a restart. */
  constructor(before?: Scene) {
    this.clock = before?.clock ?? new ManualClock();
    const { clock } = this;
    const after = clock.after.bind(clock);
    clock.after = (ms, call) => {
      this.longestWait = Math.max(this.longestWait, ms);
      return after(ms, call);
    };
    this.house = before?.house ?? new TestContext({ clock });
    this.account = before?.account ?? newId<'AccountId'>();
    const line: Line = {
      self,
      displayName: undefined,
      contact: () => 'sip:seat@192.0.2.1',
      authorOf: ({ request }) => partyOf(request.headers.get('from') ?? '', domainOf(self)),
      ask: (request, options = {}) =>
        new Promise((done) => {
          options.signal?.addEventListener('abort', () => {
            done({ answer: 'none', why: 'aborted', left: true, detail: '' });
          });
          this.asked.push(this.#asked(request, options, done));
        }),
      invite: () => Promise.resolve(undefined),
      cancel: () => Promise.resolve({ answer: 'none', why: 'not-sent', left: false, detail: 'nobody calls' }),
      flowTo: () => Promise.resolve(undefined),
    };
    const nothing = (): void => undefined;
    const keeper = new Keeper(this.house, this.account, usualTimings, {
      full: nothing,
      eased: nothing,
      stalled: nothing,
      fenced: nothing,
    });
    this.parts = {
      context: this.house,
      account: this.account,
      settings: {} as Parts['settings'],
      timings: usualTimings,
      line,
      keeper,
    };
  }

  /** Lets everything happen that can without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise((done) => setImmediate(done));
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  /** What was asked last, by a method. */
  last(method: string): Asked {
    const found = this.asked.findLast(({ request }) => request.method === method);
    if (found === undefined) throw new Error(`No ${method} was sent.`);
    return found;
  }

  count(method: string): number {
    return this.asked.filter(({ request }) => request.method === method).length;
  }

  /** A request of somebody's to us. */
  incoming(request: SipRequest): { readonly incoming: Incoming; readonly answered: Answered } {
    const answered: Answered = {};
    const tag = /;tag=([^;]+)/.exec(request.headers.get('to') ?? '')?.[1] ?? 'ours';
    const respond: Incoming['respond'] = (status, { headers = {} } = {}) => {
      const to = request.headers.get('to') ?? '';
      const response = responseOf(status, '', {
        from: request.headers.get('from') ?? '',
        to: to.includes(';tag=') ? to : `${to};tag=${tag}`,
        'call-id': request.headers.get('call-id') ?? '',
        cseq: request.headers.get('cseq') ?? '',
        ...(headers as Record<string, string>),
      });
      answered.status = status;
      answered.header = (name) => response.headers.get(name);
      return response;
    };
    const source = { transport: 'udp', address: '192.0.2.9', port: 5060 } as const;
    return { incoming: { request, source, flow, tag, isOver: false, respond } as Incoming, answered };
  }

  /** A NOTIFY in the dialog that a SUBSCRIBE of ours has begun. */
  notify(
    { request }: Asked,
    fields: Readonly<Record<string, string>>,
    body = '',
    { number = 1, tag = 'theirs' } = {},
  ): { readonly incoming: Incoming; readonly answered: Answered } {
    return this.incoming(
      requestOf(
        'NOTIFY',
        'sip:seat@192.0.2.1',
        {
          from: `${request.headers.get('to')?.split(';')[0] ?? ''};tag=${tag}`,
          to: request.headers.get('from') ?? '',
          'call-id': request.headers.get('call-id') ?? '',
          cseq: `${String(number)} NOTIFY`,
          contact: '<sip:server@192.0.2.2>',
          event: request.headers.get('event') ?? '',
          ...fields,
        },
        body,
      ),
    );
  }

  #asked(request: SipRequest, options: AskOptions, done: (answer: Answer) => void): Asked {
    return {
      request,
      options,
      header: (name) => request.headers.get(name),
      answer: async (status, headers = {}) => {
        const to = request.headers.get('to') ?? '';
        const response = responseOf(status, '', {
          from: request.headers.get('from') ?? '',
          to: to.includes(';tag=') ? to : `${to};tag=theirs`,
          'call-id': request.headers.get('call-id') ?? '',
          cseq: request.headers.get('cseq') ?? '',
          contact: '<sip:server@192.0.2.2>',
          ...headers,
        });
        done({ answer: 'response', response, flow, request });
        await this.settle();
      },
      fail: async () => {
        done({ answer: 'none', why: 'timeout', left: true, detail: '' });
        await this.settle();
      },
    };
  }
}

/** A presence document that says one word. */
export function document(basic: 'open' | 'closed', show?: string): string {
  const more = show === undefined ? '' : `<show xmlns="jabber:client">${show}</show>`;
  return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:bob@example.org"><tuple id="t"><status><basic>${basic}</basic>${more}</status></tuple></presence>`;
}
