import { Body, Controller, Headers, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Caller, Route, type BodyOf, type Principal, type QueryOf } from '#accounts';
import { routes, type Call, type Routes } from '#api';
import type { CallId } from '#model';
import { Calls } from './calls.service.js';
import { Exchange } from './exchange.js';

@Controller()
export class CallsController {
  constructor(
    private readonly calls: Calls,
    private readonly exchange: Exchange,
  ) {}

  @Route(routes.placeCall)
  async place(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['placeCall']>,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<Call> {
    return await this.exchange.place(caller, body, key, request.ip);
  }

  @Route(routes.listCalls)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['listCalls']>,
  ): Promise<{ items: Call[]; next?: string }> {
    return await this.calls.page(caller, query);
  }

  @Route(routes.getCall)
  async get(@Caller() caller: Principal, @Param('id') id: CallId): Promise<Call> {
    return await this.calls.get(caller, id);
  }

  @Route(routes.endCall)
  async end(@Caller() caller: Principal, @Param('id') id: CallId): Promise<Call> {
    return await this.exchange.end(caller, id);
  }
}
