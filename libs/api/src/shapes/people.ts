import type { InvitationId, PersonId, TokenId, WorkspaceId } from '#model';
import { z } from 'zod';
import { PresenceWord, Role, Scope } from '../words.js';
import { idOf, text, Time, TimeIn, Version } from '../values.js';

const Email = z.email().max(254).toLowerCase();
const Name = text(1, 120);
const Password = z.string().min(10).max(256);
/** A password as it is given at the door: what was once allowed may be shorter than what is allowed now. */
const GivenPassword = z.string().min(1).max(256);

/** How reachable a person wants to be, and since when. */
export const Presence = z.object({
  presence: PresenceWord,
  note: z.string().exactOptional(),
  /** When it was learnt or set. */
  since: Time.exactOptional(),
});
export type Presence = z.output<typeof Presence>;

/** A workspace as one of its people sees it. */
export const Workspace = z.object({
  id: idOf<WorkspaceId>(),
  name: z.string(),
  /** What the asking person is in it. */
  role: Role,
  createdAt: Time,
});
export type Workspace = z.output<typeof Workspace>;

/** One of the people of a workspace. */
export const Person = z.object({
  id: idOf<PersonId>(),
  email: z.string(),
  name: z.string(),
  role: Role,
  createdAt: Time,
  version: Version,
});
export type Person = z.output<typeof Person>;

/** The person who asks, in the workspace that the token or web session is bound to. */
export const Me = z.object({
  id: idOf<PersonId>(),
  email: z.string(),
  name: z.string(),
  role: Role,
  workspace: z.object({ id: idOf<WorkspaceId>(), name: z.string() }),
  /** What the token or web session may be used for. */
  scopes: z.array(Scope),
  /** What every account shall show. */
  presence: Presence,
  createdAt: Time,
  version: Version,
});
export type Me = z.output<typeof Me>;

export const Token = z.object({
  id: idOf<TokenId>(),
  label: z.string(),
  scopes: z.array(Scope),
  createdAt: Time,
  expiresAt: Time.nullable(),
  lastUsedAt: Time.nullable(),
});
export type Token = z.output<typeof Token>;

/** A token at its making: the only time that `token` itself is shown. */
export const NewToken = Token.extend({ token: z.string() });
export type NewToken = z.output<typeof NewToken>;

export const Invitation = z.object({
  id: idOf<InvitationId>(),
  role: Role,
  email: z.string().nullable(),
  createdBy: idOf<PersonId>(),
  createdAt: Time,
  expiresAt: Time,
  acceptedBy: idOf<PersonId>().nullable(),
  acceptedAt: Time.nullable(),
});
export type Invitation = z.output<typeof Invitation>;

/** An invitation at its making: the only time that `code` is shown. */
export const NewInvitation = Invitation.extend({ code: z.string() });
export type NewInvitation = z.output<typeof NewInvitation>;

/** What lets a person in who has just been made or has just accepted: a token with every scope. */
export const Admitted = z.object({ token: z.string(), me: Me });
export type Admitted = z.output<typeof Admitted>;

export const SetupBody = z.strictObject({
  code: z.string().min(1).max(128),
  name: Name,
  email: Email,
  password: Password,
  /** The first workspace's name. */
  workspace: Name.exactOptional(),
});
export type SetupBody = z.output<typeof SetupBody>;

export const SignInBody = z.strictObject({
  email: Email,
  password: GivenPassword,
  /** Where a person has several: which one; the oldest where nothing is said. */
  workspace: idOf<WorkspaceId>().exactOptional(),
});
export type SignInBody = z.output<typeof SignInBody>;

/** A new email or password needs the current password. */
export const UpdateMeBody = z
  .strictObject({
    name: Name.exactOptional(),
    email: Email.exactOptional(),
    password: Password.exactOptional(),
    currentPassword: GivenPassword.exactOptional(),
  })
  .refine(
    (body) => (body.password === undefined && body.email === undefined) || body.currentPassword !== undefined,
    { path: ['currentPassword'], message: 'needed to change the password or the email address' },
  );
export type UpdateMeBody = z.output<typeof UpdateMeBody>;

export const CreateTokenBody = z.strictObject({
  label: text(1, 120),
  scopes: z.array(Scope).min(1).max(16),
  expiresAt: TimeIn.exactOptional(),
});
export type CreateTokenBody = z.output<typeof CreateTokenBody>;

export const CreateInvitationBody = z.strictObject({
  role: Role,
  /** Where given, only who signs up with this address may accept. */
  email: Email.exactOptional(),
  expiresAt: TimeIn.exactOptional(),
});
export type CreateInvitationBody = z.output<typeof CreateInvitationBody>;

/** A person who is already known by that email address gives the password they have. */
export const AcceptInvitationBody = z.strictObject({ name: Name, email: Email, password: Password });
export type AcceptInvitationBody = z.output<typeof AcceptInvitationBody>;

export const UpdatePersonBody = z.strictObject({ role: Role.exactOptional(), name: Name.exactOptional() });
export type UpdatePersonBody = z.output<typeof UpdatePersonBody>;

export const CreateWorkspaceBody = z.strictObject({ name: Name });
export type CreateWorkspaceBody = z.output<typeof CreateWorkspaceBody>;

export const SetPresenceBody = z.strictObject({
  presence: PresenceWord.exclude(['unknown']),
  note: text(0, 300).exactOptional(),
});
export type SetPresenceBody = z.output<typeof SetPresenceBody>;
