import { Body, Controller, Param, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { routes, type CreateLinkBody, type Link, type UpdateLinkBody } from '#api';
import type { LinkId } from '#model';
import { Links } from './links.service.js';
import type { Page } from './paging.js';
import type { Principal } from './principal.js';
import { Caller, Route, type QueryOf } from './route.js';

/** Shared links: an admin's business. */
@Controller()
export class LinksController {
  constructor(private readonly links: Links) {}

  @Route(routes.listLinks)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<typeof routes.listLinks>,
  ): Promise<Page<Link>> {
    return this.links.list(caller, query);
  }

  @Route(routes.createLink)
  async create(
    @Caller() caller: Principal,
    @Body() body: CreateLinkBody,
    @Req() request: FastifyRequest,
  ): Promise<Link> {
    return this.links.create(caller, body, request.ip);
  }

  @Route(routes.getLink)
  async get(@Caller() caller: Principal, @Param('id') id: LinkId): Promise<Link> {
    return this.links.get(caller, id);
  }

  @Route(routes.updateLink)
  async update(
    @Caller() caller: Principal,
    @Param('id') id: LinkId,
    @Body() body: UpdateLinkBody,
    @Req() request: FastifyRequest,
  ): Promise<Link> {
    return this.links.update(caller, id, body, request.ip);
  }

  @Route(routes.deleteLink)
  async remove(
    @Caller() caller: Principal,
    @Param('id') id: LinkId,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    await this.links.remove(caller, id, request.ip);
  }
}
