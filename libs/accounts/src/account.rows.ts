import type { JsonObject } from '#connector';
import type { AccountId, Capabilities, LinkId, PersonId, SessionState, WorkspaceId } from '#model';

/** What to do with an envelope of unknown fate: ask the person, or resend it as a new one. */
export type OnUnknown = 'ask' | 'resend';

/** One login, number or address on one network. */
export interface AccountRow {
  readonly id: AccountId;
  readonly workspace: WorkspaceId;
  readonly link: LinkId;
  readonly holder: PersonId;
  readonly connector: string;
  readonly label: string;
  /** Where its addresses are unique. */
  readonly network: string;
  /** Who we are there, as the session last said; null until it was online once. */
  readonly localAddress: string | null;
  /** Whether it should be connected. */
  readonly wanted: boolean;
  readonly session: SessionState;
  readonly sessionAt: Date;
  readonly capabilities: Capabilities;
  readonly onUnknown: OnUnknown;
  readonly version: number;
  readonly createdAt: Date;
}

/** What connects. The sealed secrets are fetched apart, by whoever opens them. */
export interface LinkRow {
  readonly id: LinkId;
  readonly workspace: WorkspaceId;
  readonly connector: string;
  /** False: private to its one account. */
  readonly shared: boolean;
  readonly label: string;
  readonly settings: JsonObject;
  /** Whether an admin allowed targets in private networks or on this machine. */
  readonly privateLeave: boolean;
  /** Which secrets are sealed in it, by name. */
  readonly secretNames: readonly string[];
  readonly version: number;
  readonly createdAt: Date;
}

/** The columns of an `AccountRow`, of a table called `a`. */
export const accountColumns = `a.id, a.workspace_id AS "workspace", a.link_id AS "link", a.holder_id AS "holder",
  a.connector, a.label, a.network, a.local_address AS "localAddress", a.wanted, a.session, a.session_at AS "sessionAt",
  a.capabilities, a.on_unknown AS "onUnknown", a.version, a.created_at AS "createdAt"`;

/** The columns of a `LinkRow`, of a table called `l`. */
export const linkColumns = `l.id, l.workspace_id AS "workspace", l.connector, l.shared, l.label, l.settings,
  l.private_leave AS "privateLeave", l.secret_names AS "secretNames", l.version, l.created_at AS "createdAt"`;
