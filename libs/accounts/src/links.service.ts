import { Injectable } from '@nestjs/common';
import type { CreateLinkBody, Link, UpdateLinkBody } from '#api';
import { Audit, type AuditAction, type AuditFacts } from '#audit';
import { EventLog } from '#bus';
import type { LinkId } from '#model';
import { Database, Problem, type Sql } from '#platform';
import { accountChanged } from './account.events.js';
import { changedMeanwhile, otherNetwork } from './accounts.service.js';
import { LinkBook } from './link-book.js';
import { LinkPlans } from './link-plans.service.js';
import {
  deleteLink,
  everOnline,
  findLink,
  insertLink,
  moveAccounts,
  sharedLink,
  sharedLinks,
  updateLink,
  type SharedLink,
} from './link.store.js';
import { afterOf, pageOf, type Page } from './paging.js';
import type { Principal } from './principal.js';

/** Links that many accounts share: a trunk, a component, a bind. An admin's business. */
@Injectable()
export class Links {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly audit: Audit,
    private readonly links: LinkBook,
    private readonly plans: LinkPlans,
  ) {}

  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Link>> {
    const rows = await sharedLinks(this.database, caller.workspace, afterOf(query), query.limit + 1);
    return pageOf(rows, query.limit, view);
  }

  /** @throws Problem 404 `not-found`, for somebody's private link too */
  async get(caller: Principal, id: LinkId): Promise<Link> {
    return view(await this.mustFind(this.database, caller, id));
  }

  /** @throws Problem 422 with every mistake, 403 for a target that nobody may use (law 9) */
  async create(caller: Principal, body: CreateLinkBody, address: string): Promise<Link> {
    const link = await this.plans.forLink(caller, body);
    await this.database.transaction(async (sql) => {
      await insertLink(sql, link);
      await this.note(sql, caller, 'link.created', link.id, address, { connector: link.connector });
      if (link.privateLeave) await this.note(sql, caller, 'private-target.allowed', link.id, address);
    });
    return this.get(caller, link.id);
  }

  /** @throws Problem 404, 409 `other-network` or `changed-meanwhile`, and as `create` */
  async update(caller: Principal, id: LinkId, body: UpdateLinkBody, address: string): Promise<Link> {
    await this.mustFind(this.database, caller, id);
    const sealed = await findLink(this.database, caller.workspace, id);
    if (!sealed) throw noLink();
    const { network, change } = await this.plans.change(caller, sealed, body);
    const last = await this.database.transaction(async (sql) => {
      const before = await this.mustFind(sql, caller, id, true);
      if (!(await updateLink(sql, id, sealed.version, change))) throw changedMeanwhile();
      const moved = network === undefined ? [] : await moveAccounts(sql, id, network);
      if (moved.length > 0 && (await everOnline(sql, id))) throw otherNetwork(before.connector);
      await this.note(sql, caller, 'link.changed', id, address, { fields: Object.keys(body) });
      if (change.privateLeave && !before.privateLeave) {
        await this.note(sql, caller, 'private-target.allowed', id, address);
      }
      if (moved.length === 0) return undefined;
      const events = moved.map((account) => accountChanged(account.id, account.version));
      return (await this.log.append(sql, caller.workspace, events)).last;
    });
    if (last !== undefined) this.log.committed(caller.workspace, last);
    this.links.changed(id);
    return this.get(caller, id);
  }

  /** @throws Problem 404, 409 `in-use` while accounts are on it */
  async remove(caller: Principal, id: LinkId, address: string): Promise<void> {
    await this.database.transaction(async (sql) => {
      const link = await this.mustFind(sql, caller, id, true);
      if (!(await deleteLink(sql, id))) {
        throw new Problem(409, 'in-use', 'There are still accounts on this link. Remove them first.');
      }
      await this.note(sql, caller, 'link.removed', id, address, { connector: link.connector });
    });
    this.links.changed(id);
  }

  private async mustFind(sql: Sql, caller: Principal, id: LinkId, lock = false): Promise<SharedLink> {
    const link = await sharedLink(sql, caller.workspace, id, lock);
    if (!link) throw noLink();
    return link;
  }

  private note(
    sql: Sql,
    { workspace, person }: Principal,
    action: AuditAction,
    subject: string,
    address: string,
    facts: AuditFacts = {},
  ): Promise<void> {
    return this.audit.record(sql, { workspace, person, action, subject, facts, address });
  }
}

function noLink(): Problem {
  return new Problem(404, 'not-found', 'There is no such shared link.');
}

function view(row: SharedLink): Link {
  return {
    id: row.id,
    connector: row.connector,
    label: row.label,
    shared: row.shared,
    settings: row.settings,
    secretNames: [...row.secretNames],
    accounts: [...row.accounts],
    createdAt: row.createdAt.toISOString(),
    version: row.version,
  };
}
