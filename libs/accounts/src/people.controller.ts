import { Body, Controller, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  routes,
  type CreateInvitationBody,
  type Invitation,
  type NewInvitation,
  type Person,
  type UpdatePersonBody,
} from '#api';
import type { InvitationId, PersonId } from '#model';
import { Invitations } from './invitations.service.js';
import type { Page } from './paging.js';
import { People } from './people.service.js';
import type { Principal } from './principal.js';
import { Caller, Route, type QueryOf } from './route.js';

/** The people of a workspace and the invitations to it. */
@Controller()
export class PeopleController {
  constructor(
    private readonly people: People,
    private readonly invitations: Invitations,
  ) {}

  @Route(routes.listPeople)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listPeople>,
  ): Promise<Page<Person>> {
    return this.people.list(caller, query);
  }

  @Route(routes.getPerson)
  async get(@Caller() caller: Principal, @Param('id') id: PersonId): Promise<Person> {
    return this.people.get(caller, id);
  }

  @Route(routes.updatePerson)
  async update(
    @Caller() caller: Principal,
    @Param('id') id: PersonId,
    @Body() body: UpdatePersonBody,
    @Req() request: FastifyRequest,
  ): Promise<Person> {
    return this.people.update(caller, id, body, request.ip);
  }

  @Route(routes.removePerson)
  async remove(
    @Caller() caller: Principal,
    @Param('id') id: PersonId,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.people.remove(caller, id, request.ip);
  }

  @Route(routes.listInvitations)
  async listInvitations(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listInvitations>,
  ): Promise<Page<Invitation>> {
    return this.invitations.list(caller, query);
  }

  @Route(routes.createInvitation)
  async invite(
    @Caller() caller: Principal,
    @Body() body: CreateInvitationBody,
    @Req() request: FastifyRequest,
  ): Promise<NewInvitation> {
    return this.invitations.create(caller, body, request.ip);
  }

  @Route(routes.deleteInvitation)
  async takeBack(
    @Caller() caller: Principal,
    @Param('id') id: InvitationId,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.invitations.takeBack(caller, id, request.ip);
  }
}
