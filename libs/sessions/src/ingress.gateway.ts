/*
 * `ANY /in/{account}/{secret}`: where providers call. Registered with Fastify itself and not as a controller, because a
 * signature is made over the bytes as they came: in this corner no body is parsed, and any Content-Type is taken. What
 * else the server holds its callers to (sizes, speed, headers of at most 16 KiB, which is Node's own bound) holds here too.
 */
import { createHash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IngressAddresses, type CalledAccount } from '#accounts';
import { Signals } from '#bus';
import {
  mostItemBytes,
  mostItems,
  type HttpAnswer,
  type IngressItem,
  type IngressOutcome,
  type RawRequest,
} from '#connector';
import type { AccountId } from '#model';
import { Clock, Config, Database, logger, Problem, problemOf, publicBase, renderProblem } from '#platform';
import { IngressRate } from './ingress-rate.js';
import { IngressStore, type NewIngressItem } from './ingress.store.js';

const log = logger('sessions');

/** The channel on which it is told that something waits for an account: `{account}`. */
export const INGRESS_CHANNEL = 'ingress';

/** When a provider is to call again, in seconds. */
const again = { full: 60, rate: 1 } as const;

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

interface Called {
  readonly Params: { readonly account: string; readonly secret: string };
}

/** Takes the calls of providers: judged by the connector, stored, then answered. */
@Injectable()
export class IngressGateway implements OnModuleInit {
  readonly #rate: IngressRate;

  constructor(
    private readonly config: Config,
    private readonly host: HttpAdapterHost,
    private readonly addresses: IngressAddresses,
    private readonly database: Database,
    private readonly store: IngressStore,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {
    this.#rate = new IngressRate(clock);
  }

  onModuleInit(): void {
    // A process without a gateway may have no HTTP at all.
    const server = (this.host.httpAdapter as typeof this.host.httpAdapter | undefined)?.getInstance<
      Partial<FastifyInstance>
    >();
    void server?.register?.((corner, _options, done) => {
      this.#open(corner);
      done();
    });
  }

  #open(corner: FastifyInstance): void {
    corner.removeAllContentTypeParsers();
    corner.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
    corner.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply));
    corner.all<Called>('/in/:account/:secret', async (request, reply) => {
      await send(reply, await this.#answer(request));
    });
  }

  async #answer(request: FastifyRequest<Called>): Promise<HttpAnswer> {
    const { account, secret } = request.params;
    const called = uuid.test(account) ? await this.addresses.called(account as AccountId, secret) : undefined;
    if (!called) throw new Problem(404, 'not-found', 'There is nothing here.');
    if (!this.#rate.take(called.ingress.account)) {
      throw new Problem(429, 'rate-limited', 'This account is called too often; call again in a moment.', {
        retryAfterSeconds: again.rate,
      });
    }
    const heard = called.connector.ingress(this.#raw(request), called.ingress);
    if (heard.outcome === 'accepted') await this.#keep(called, heard);
    return heard.answer;
  }

  #raw(request: FastifyRequest): RawRequest {
    const { body } = request;
    return {
      method: request.method,
      url: publicBase(this.config, request) + (request.raw.url ?? ''),
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value = '']) => [
          name,
          typeof value === 'string' ? value : value.join(', '),
        ]),
      ),
      body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      at: new Date(this.clock.now()),
    };
  }

  /** @throws Problem 503 where too much waits already; what the database throws */
  async #keep(
    { ingress: { account } }: CalledAccount,
    { items }: Extract<IngressOutcome, { readonly outcome: 'accepted' }>,
  ): Promise<void> {
    if (items.length === 0) return;
    if (items.length > mostItems) throw new Error('a connector makes more items of a call than it may');
    const rows = distinct(items);
    const kept = await this.database.transaction((sql) => this.store.keep(sql, account, rows));
    if (kept === 'full') {
      log.warn({ account }, 'a provider is told to call again later: too much waits to be taken in');
      throw new Problem(503, 'unavailable', 'Too much waits to be taken in; call again later.', {
        retryAfterSeconds: again.full,
      });
    }
    if (kept > 0) this.signals.publish(INGRESS_CHANNEL, { account });
  }

  async #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const problem = problemOf(error);
    const facts = { method: request.method, route: request.routeOptions.url, code: problem.code };
    if (problem.status >= 500 && problem.more.cause !== undefined) {
      log.warn({ ...facts, instance: problem.more.instance, err: error }, 'a provider could not be served');
    }
    await send(reply, renderProblem(problem));
  }
}

async function send(reply: FastifyReply, { status, headers = {}, body = '' }: HttpAnswer): Promise<void> {
  // As bytes: Fastify adds nothing to the type that the answer says.
  await reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .send(Buffer.from(body));
}

/** As they are stored; what one call tells twice is told once. */
function distinct(items: readonly IngressItem[]): NewIngressItem[] {
  const ids = new Set<string>();
  return items.flatMap(({ id, item }) => {
    const size = Buffer.byteLength(JSON.stringify(item));
    if (size > mostItemBytes) throw new Error('a connector makes a larger item of a call than it may');
    if (id === undefined) return [{ item, size }];
    const hash = createHash('sha256').update(id).digest('hex');
    if (ids.has(hash)) return [];
    ids.add(hash);
    return [{ id: hash, item, size }];
  });
}
