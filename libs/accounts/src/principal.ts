import type { Scope } from '#api';
import type { PersonId, WorkspaceId } from '#model';

export type Role = 'admin' | 'member';

/** Who asks: one token or one web session, bound to one person in one workspace. */
export interface Principal {
  readonly kind: 'token' | 'web-session';
  /** Of the token or the web session. */
  readonly id: string;
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  /** The person's role now, not at the time the token was made. */
  readonly role: Role;
  /** What this token may do: never more than the role allows. */
  readonly scopes: ReadonlySet<Scope>;
}
