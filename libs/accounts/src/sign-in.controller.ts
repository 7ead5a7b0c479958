import { Body, Controller, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  routes,
  type AcceptInvitationBody,
  type Admitted,
  type Me,
  type SetupBody,
  type SignInBody,
} from '#api';
import { Invitations } from './invitations.service.js';
import type { Principal } from './principal.js';
import { Caller, Route } from './route.js';
import { SessionCookie } from './session-cookie.js';
import { Setup } from './setup.service.js';
import { SignIn } from './sign-in.service.js';

/** The ways in and out. */
@Controller()
export class SignInController {
  constructor(
    private readonly setup_: Setup,
    private readonly sessions: SignIn,
    private readonly invitations: Invitations,
    private readonly cookie: SessionCookie,
  ) {}

  @Route(routes.setup)
  async setup(@Body() body: SetupBody, @Req() request: FastifyRequest): Promise<Admitted> {
    return this.setup_.run(body, request.ip);
  }

  @Route(routes.signIn)
  async signIn(
    @Body() body: SignInBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Me> {
    const { secret, me } = await this.sessions.open(body, request.ip);
    void reply.header('set-cookie', this.cookie.keep(secret));
    return me;
  }

  @Route(routes.signOut)
  async signOut(
    @Caller() caller: Principal,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.close(caller, request.ip);
    void reply.header('set-cookie', this.cookie.clear());
  }

  @Route(routes.acceptInvitation)
  async accept(
    @Param('code') code: string,
    @Body() body: AcceptInvitationBody,
    @Req() request: FastifyRequest,
  ): Promise<Admitted> {
    return this.invitations.accept(code, body, request.ip);
  }
}
