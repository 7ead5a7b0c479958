import { Readable } from 'node:stream';
import { Body, Controller, Headers, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Route, type BodyOf, type Principal, type QueryOf } from '#accounts';
import {
  routes,
  type Caps as CapsShape,
  type LedgerEntry,
  type LedgerPage,
  type Meter as MeterShape,
  type Routes,
} from '#api';
import { Caps } from './caps.service.js';
import { csvHeaders, wantsCsv } from './csv.js';
import { Ledger } from './ledger.service.js';
import { Prices } from './prices.service.js';
import { Usage } from './usage.service.js';

/** Prices, caps, the balance and what was used. */
@Controller()
export class MeteringController {
  constructor(
    private readonly prices: Prices,
    private readonly caps: Caps,
    private readonly ledger: Ledger,
    private readonly usage: Usage,
  ) {}

  @Route(routes.getPrices)
  async getPrices(
    @Caller() caller: Principal,
    @Query() { format }: QueryOf<Routes['getPrices']>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    if (!wantsCsv(format, request.headers.accept)) return await this.prices.list(caller);
    void reply.headers(csvHeaders('prices'));
    return Readable.from(this.prices.csv(caller));
  }

  @Route(routes.setPrices)
  async setPrices(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['setPrices']>,
    @Req() request: FastifyRequest,
  ): Promise<{ currency: string; version: number }> {
    return await this.prices.replace(caller, body, request.ip);
  }

  @Route(routes.getCaps)
  async getCaps(@Caller() caller: Principal): Promise<CapsShape> {
    return await this.caps.list(caller);
  }

  @Route(routes.setCaps)
  async setCaps(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['setCaps']>,
    @Req() request: FastifyRequest,
  ): Promise<CapsShape> {
    return await this.caps.replace(caller, body, request.ip);
  }

  @Route(routes.getMeter)
  async getMeter(@Caller() caller: Principal): Promise<MeterShape> {
    return await this.ledger.state(caller);
  }

  @Route(routes.setMeter)
  async setMeter(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['setMeter']>,
    @Req() request: FastifyRequest,
  ): Promise<MeterShape> {
    return await this.ledger.setPrepaid(caller, body.prepaid, request.ip);
  }

  @Route(routes.listLedger)
  async listLedger(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['listLedger']>,
  ): Promise<LedgerPage> {
    return await this.ledger.page(caller, query);
  }

  @Route(routes.enterLedger)
  async enterLedger(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['enterLedger']>,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<LedgerEntry> {
    return await this.ledger.enter(caller, body, key, request.ip);
  }

  @Route(routes.getUsage)
  async getUsage(
    @Caller() caller: Principal,
    @Query() { format, ...query }: QueryOf<Routes['getUsage']>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    if (!wantsCsv(format, request.headers.accept)) return await this.usage.page(caller, query);
    void reply.headers(csvHeaders('usage'));
    return Readable.from(this.usage.csv(caller, query));
  }
}
