import { Body, Controller, Param, Query, Res } from '@nestjs/common';
import { Caller, Route, type BodyOf, type Principal, type QueryOf, type Reply } from '#accounts';
import { routes, type RosterEntry, type Routes } from '#api';
import type { AccountId } from '#model';
import { NetworkRoster } from './network-roster.js';

@Controller()
export class RosterController {
  constructor(private readonly roster: NetworkRoster) {}

  @Route(routes.listRoster)
  async list(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Query() query: QueryOf<Routes['listRoster']>,
  ): Promise<{ items: RosterEntry[]; next?: string }> {
    return await this.roster.page(caller, id, query);
  }

  @Route(routes.getRosterEntry)
  async get(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Param('address') address: string,
  ): Promise<RosterEntry> {
    return await this.roster.get(caller, id, address);
  }

  @Route(routes.setRosterEntry)
  async set(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Param('address') address: string,
    @Body() body: BodyOf<Routes['setRosterEntry']>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<RosterEntry> {
    const { entry, made } = await this.roster.set(caller, id, address, body);
    if (made) reply.status(201);
    return entry;
  }

  @Route(routes.approveRosterEntry)
  async approve(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Param('address') address: string,
  ): Promise<RosterEntry> {
    return await this.roster.admit(caller, id, address, 'approve');
  }

  @Route(routes.denyRosterEntry)
  async deny(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Param('address') address: string,
  ): Promise<RosterEntry> {
    return await this.roster.admit(caller, id, address, 'deny');
  }

  @Route(routes.removeRosterEntry)
  async remove(
    @Caller() caller: Principal,
    @Param('id') id: AccountId,
    @Param('address') address: string,
  ): Promise<void> {
    await this.roster.remove(caller, id, address);
  }
}
