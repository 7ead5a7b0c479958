import { Body, Controller, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  routes,
  type CreateTokenBody,
  type CreateWorkspaceBody,
  type Me,
  type NewToken,
  type Presence,
  type SetPresenceBody,
  type Token,
  type UpdateMeBody,
  type Workspace,
} from '#api';
import type { TokenId } from '#model';
import { MeService } from './me.service.js';
import type { Page } from './paging.js';
import type { Principal } from './principal.js';
import { Caller, Route, type QueryOf } from './route.js';
import { Tokens } from './tokens.service.js';
import { Workspaces } from './workspaces.service.js';

/** What is one's own: profile, presence, tokens, workspaces. */
@Controller()
export class MeController {
  constructor(
    private readonly me: MeService,
    private readonly tokens: Tokens,
    private readonly workspaces: Workspaces,
  ) {}

  @Route(routes.getMe)
  async get(@Caller() caller: Principal): Promise<Me> {
    return this.me.view(caller.workspace, caller.person, caller.scopes);
  }

  @Route(routes.updateMe)
  async update(
    @Caller() caller: Principal,
    @Body() body: UpdateMeBody,
    @Req() request: FastifyRequest,
  ): Promise<Me> {
    return this.me.update(caller, body, request.ip);
  }

  @Route(routes.setPresence)
  async setPresence(@Caller() caller: Principal, @Body() body: SetPresenceBody): Promise<Presence> {
    return this.me.setPresence(caller, body);
  }

  @Route(routes.listTokens)
  async listTokens(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listTokens>,
  ): Promise<Page<Token>> {
    return this.tokens.list(caller, query);
  }

  @Route(routes.createToken)
  async createToken(
    @Caller() caller: Principal,
    @Body() body: CreateTokenBody,
    @Req() request: FastifyRequest,
  ): Promise<NewToken> {
    return this.tokens.create(caller, body, request.ip);
  }

  @Route(routes.deleteToken)
  async deleteToken(
    @Caller() caller: Principal,
    @Param('id') id: TokenId,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.tokens.revoke(caller, id, request.ip);
  }

  @Route(routes.listWorkspaces)
  async listWorkspaces(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listWorkspaces>,
  ): Promise<Page<Workspace>> {
    return this.workspaces.list(caller, query);
  }

  @Route(routes.createWorkspace)
  async createWorkspace(
    @Caller() caller: Principal,
    @Body() body: CreateWorkspaceBody,
    @Req() request: FastifyRequest,
  ): Promise<Workspace> {
    return this.workspaces.create(caller, body, request.ip);
  }
}
