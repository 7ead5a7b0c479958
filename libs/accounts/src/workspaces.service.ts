import { Injectable } from '@nestjs/common';
import type { CreateWorkspaceBody, Workspace } from '#api';
import { Audit } from '#audit';
import { createHead } from '#bus';
import { newId, type PersonId, type WorkspaceId } from '#model';
import { Database, type Sql } from '#platform';
import { afterOf, pageOf, type Page } from './paging.js';
import { insertMembership, insertWorkspace, workspacesOf } from './people.store.js';
import type { Principal } from './principal.js';

/** The tenants of this server. */
@Injectable()
export class Workspaces {
  constructor(
    private readonly database: Database,
    private readonly audit: Audit,
  ) {}

  /** Makes a workspace whose maker is its first admin. A credential for it is got by signing in to it. */
  async create(caller: Principal, body: CreateWorkspaceBody, address: string): Promise<Workspace> {
    return this.database.transaction(async (sql) => {
      const { id, createdAt } = await this.make(sql, body.name, caller.person, address);
      return { id, name: body.name, role: 'admin', createdAt: createdAt.toISOString() };
    });
  }

  /** Makes a workspace with its log and its first admin, in the caller's transaction. */
  async make(
    sql: Sql,
    name: string,
    admin: PersonId,
    address: string,
  ): Promise<{ id: WorkspaceId; createdAt: Date }> {
    const id = newId<'WorkspaceId'>();
    const createdAt = await insertWorkspace(sql, id, name);
    await insertMembership(sql, id, admin, 'admin');
    await createHead(sql, id);
    await this.audit.record(sql, {
      workspace: id,
      person: admin,
      action: 'workspace.created',
      subject: id,
      address,
    });
    return { id, createdAt };
  }

  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Workspace>> {
    const page = { after: afterOf(query), limit: query.limit + 1 };
    const rows = await workspacesOf(this.database, caller.person, page);
    return pageOf(rows, query.limit, ({ id, name, role, createdAt }) => ({
      id,
      name,
      role,
      createdAt: createdAt.toISOString(),
    }));
  }
}
