import { Body, Controller, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  routes,
  type Account,
  type AnswerAccountBody,
  type Connector,
  type CreateAccountBody,
  type SetAccountPeopleBody,
  type UpdateAccountBody,
} from '#api';
import type { AccountId } from '#model';
import { Config, publicBase } from '#platform';
import { AccountsService } from './accounts.service.js';
import { Connectors } from './connectors.js';
import { Ingresses } from './ingresses.service.js';
import type { Page } from './paging.js';
import type { Principal } from './principal.js';
import { Caller, Route, type QueryOf } from './route.js';
import { Sharing } from './sharing.service.js';

/** What can be connected, and what is. */
@Controller()
export class AccountsController {
  constructor(
    private readonly connectors: Connectors,
    private readonly accounts: AccountsService,
    private readonly sharing: Sharing,
    private readonly ingresses: Ingresses,
    private readonly config: Config,
  ) {}

  @Route(routes.listConnectors)
  // eslint-disable-next-line @typescript-eslint/require-await -- a handler is a promise, though nothing is waited for
  async listConnectors(): Promise<Page<Connector>> {
    return {
      items: this.connectors.all().map((connector) => {
        const { protocol, name, mark, settings, secrets, capabilities, abilities, observes, losses } =
          connector.describe();
        return {
          protocol,
          name,
          mark,
          settings,
          secrets,
          capabilities,
          abilities: [...abilities],
          observes,
          losses: [...losses],
        };
      }),
    };
  }

  @Route(routes.listAccounts)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listAccounts>,
  ): Promise<Page<Account>> {
    return this.accounts.list(caller, query);
  }

  @Route(routes.createAccount)
  async create(
    @Caller() caller: Principal,
    @Body() body: CreateAccountBody,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    const account = await this.accounts.create(caller, body, request.ip);
    return this.ingresses.with(caller, account, publicBase(this.config, request));
  }

  @Route(routes.getAccount)
  async get(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    const account = await this.accounts.get(caller, id);
    return this.ingresses.with(caller, account, publicBase(this.config, request));
  }

  @Route(routes.updateAccount)
  async update(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Body() body: UpdateAccountBody,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    return this.accounts.update(caller, id, body, request.ip);
  }

  @Route(routes.deleteAccount)
  async remove(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.accounts.remove(caller, id, request.ip);
  }

  @Route(routes.connectAccount)
  async connect(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    return this.accounts.want(caller, id, true, request.ip);
  }

  @Route(routes.disconnectAccount)
  async disconnect(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    return this.accounts.want(caller, id, false, request.ip);
  }

  @Route(routes.renewIngress)
  async renewIngress(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    return this.ingresses.renew(caller, id, publicBase(this.config, request), request.ip);
  }

  @Route(routes.answerAccount)
  async answer(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Body() body: AnswerAccountBody,
  ): Promise<Account> {
    return this.accounts.answer(caller, id, body);
  }

  @Route(routes.setAccountPeople)
  async share(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Body() body: SetAccountPeopleBody,
    @Req() request: FastifyRequest,
  ): Promise<Account> {
    return this.sharing.share(caller, id, body.people, request.ip);
  }
}
