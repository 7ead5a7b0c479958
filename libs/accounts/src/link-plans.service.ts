import { Injectable } from '@nestjs/common';
import type { CreateAccountBody, CreateLinkBody } from '#api';
import { AddressError, type JsonObject } from '#connector';
import { newId, type LinkId } from '#model';
import { Database, Problem, type ProblemError, type Sql } from '#platform';
import { Connectors } from './connectors.js';
import { invalid, isAdmin, LinkSettings } from './link-settings.service.js';
import { sharedLink, type LinkChange, type NewLink, type SealedLink, type SharedLink } from './link.store.js';
import type { Principal } from './principal.js';

/** What an account will be put on. */
export interface LinkPlan {
  readonly link: LinkId;
  readonly connector: string;
  readonly network: string;
  /** Who the account is there, where that is not for the session to learn. */
  readonly localAddress: string | null;
  /** The private link that is to be made; absent for a shared one. */
  readonly make?: NewLink;
}

/** How a link is to be changed, judged and sealed. */
export interface LinkTurn {
  /** Absent when the settings stay. */
  readonly network?: string;
  readonly change: LinkChange;
}

/** Turns what a person sent into links that may be stored. Outside transactions, but for the last look. */
@Injectable()
export class LinkPlans {
  constructor(
    private readonly database: Database,
    private readonly connectors: Connectors,
    private readonly settings: LinkSettings,
  ) {}

  /** @throws Problem 422 `invalid`, 403 `admins-only` for a shared link, and as `LinkSettings.fit` */
  async forAccount(caller: Principal, body: CreateAccountBody): Promise<LinkPlan> {
    return body.link === undefined ? this.private(caller, body) : this.onShared(caller, body.link, body);
  }

  /** @throws Problem as `LinkSettings.fit` */
  async forLink(caller: Principal, body: CreateLinkBody): Promise<NewLink> {
    const id = newId<'LinkId'>();
    const fit = await this.settings.fit(caller, id, body.connector, body.settings, body.secrets ?? {});
    return {
      id,
      workspace: caller.workspace,
      connector: body.connector,
      shared: true,
      label: body.label,
      settings: fit.settings,
      secrets: fit.sealed,
      secretNames: fit.names,
      privateLeave: fit.privateLeave,
    };
  }

  /** @throws Problem as `LinkSettings.refit` and `resecret` */
  async change(
    caller: Principal,
    link: SealedLink,
    body: {
      readonly label?: string;
      readonly settings?: JsonObject;
      readonly secrets?: Readonly<Record<string, string | null>>;
    },
  ): Promise<LinkTurn> {
    const fit = body.settings && (await this.settings.refit(caller, link, body.settings));
    const secrets = body.secrets && this.settings.resecret(link, body.secrets);
    return {
      ...(fit ? { network: fit.network } : {}),
      change: {
        label: body.label,
        settings: fit?.settings,
        privateLeave: fit?.privateLeave,
        secrets,
      },
    };
  }

  /**
   * Looks again, in the transaction that puts an account on a shared link, and keeps the link until its end.
   * @throws Problem 422 `invalid`
   */
  async mustStillShare(sql: Sql, caller: Principal, link: LinkId): Promise<void> {
    if (!(await sharedLink(sql, caller.workspace, link, true))) throw noSuchLink();
  }

  private async private(caller: Principal, body: CreateAccountBody): Promise<LinkPlan> {
    const connector = body.connector ?? '';
    const link = newId<'LinkId'>();
    const errors: ProblemError[] = (['localAddress', 'holder'] as const)
      .filter((field) => body[field] !== undefined)
      .map((field) => ({ pointer: `/${field}`, detail: 'is only for accounts on a shared link' }));
    if (errors.length > 0) throw invalid(errors);
    const fit = await this.settings.fit(caller, link, connector, body.settings ?? {}, body.secrets ?? {});
    return {
      link,
      connector,
      network: fit.network,
      localAddress: null,
      make: {
        id: link,
        workspace: caller.workspace,
        connector,
        shared: false,
        label: '',
        settings: fit.settings,
        secrets: fit.sealed,
        secretNames: fit.names,
        privateLeave: fit.privateLeave,
      },
    };
  }

  private async onShared(caller: Principal, id: LinkId, body: CreateAccountBody): Promise<LinkPlan> {
    if (!isAdmin(caller)) {
      throw new Problem(403, 'admins-only', 'Only an admin puts accounts on a shared link.');
    }
    const errors: ProblemError[] = (['settings', 'secrets'] as const)
      .filter((field) => body[field] !== undefined)
      .map((field) => ({ pointer: `/${field}`, detail: 'belongs to the shared link' }));
    if (errors.length > 0) throw invalid(errors);
    const link = await sharedLink(this.database, caller.workspace, id);
    if (!link) throw noSuchLink();
    const connector = this.connectors.get(link.connector);
    return {
      link: id,
      connector: link.connector,
      network: connector.networkOf(link.settings),
      localAddress: body.localAddress === undefined ? null : this.address(link, body.localAddress),
    };
  }

  /** Who an account is on a shared link, as others there write to it. */
  private address({ connector, settings }: SharedLink, raw: string): string {
    const { addresses } = this.connectors.get(connector);
    try {
      const { value } = addresses.parse(raw, settings);
      return addresses.membersOf?.(value)[0]?.value ?? value;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw invalid([{ pointer: '/localAddress', detail: error.message }]);
    }
  }
}

function noSuchLink(): Problem {
  return invalid([{ pointer: '/link', detail: 'is no shared link of this workspace' }]);
}
