import { Body, Controller, Injectable, Param } from '@nestjs/common';
import { Access, Caller, Route, type BodyOf, type Principal } from '#accounts';
import { routes, type RequestAnswer, type Routes } from '#api';
import type { AccountId } from '#model';
import { LinkRequests } from './link-requests.js';

/** How long a session has to answer: a list of a large network's rooms comes line by line. */
const answerMs = 60_000;

/** What an account's network can be asked that is about no conversation. */
@Injectable()
export class AccountRequests {
  constructor(
    private readonly access: Access,
    private readonly links: LinkRequests,
  ) {}

  /** @throws Problem 404 `not-found`; 409, 429, 503 or 504 with the reason why it was not done */
  async request(
    principal: Principal,
    id: AccountId,
    { kind, options = {} }: BodyOf<Routes['requestAccount']>,
  ): Promise<RequestAnswer> {
    const account = await this.access.mustSee(principal, id);
    const request = { act: 'request', account: account.id, kind, options } as const;
    return { answer: await this.links.act(account, request, answerMs) };
  }
}

@Controller()
export class AccountRequestsController {
  constructor(private readonly requests: AccountRequests) {}

  @Route(routes.requestAccount)
  async ask(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Body() body: BodyOf<Routes['requestAccount']>,
  ): Promise<RequestAnswer> {
    return await this.requests.request(caller, id, body);
  }
}
