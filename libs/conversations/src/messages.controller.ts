import { Controller, Param, Query } from '@nestjs/common';
import { Caller, Route, type Principal, type QueryOf } from '#accounts';
import { routes, type Message, type Routes } from '#api';
import type { MessageId } from '#model';
import { History } from './history.service.js';
import { Search } from './search.service.js';

/** Messages to be read. Whatever sends or changes them is delivery's, hiding them by `DELETE ?scope=me` included. */
@Controller()
export class MessagesController {
  constructor(
    private readonly history: History,
    private readonly search: Search,
  ) {}

  @Route(routes.getMessage)
  async get(@Caller() caller: Principal, @Param('id') id: MessageId): Promise<Message> {
    return await this.history.get(caller, id);
  }

  @Route(routes.search)
  async find(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['search']>,
  ): Promise<{ items: Message[]; next?: string }> {
    return await this.search.page(caller, query);
  }
}
