import { Global, Module } from '@nestjs/common';
import { AuditModule } from '#audit';
import { AccessChanges } from './access-changes.js';
import { Access } from './access.js';
import { AccountLinks } from './account-links.js';
import { AccountViews } from './account-views.js';
import { AccountsController } from './accounts.controller.js';
import { AccountsService } from './accounts.service.js';
import { Authenticator } from './authenticator.js';
import { Desires } from './desired.store.js';
import { IngressAddresses } from './ingress-addresses.js';
import { Ingresses } from './ingresses.service.js';
import { Invitations } from './invitations.service.js';
import { LinkBook } from './link-book.js';
import { LinkPlans } from './link-plans.service.js';
import { LinkSettings } from './link-settings.service.js';
import { LinksController } from './links.controller.js';
import { Links } from './links.service.js';
import { MeController } from './me.controller.js';
import { MeService } from './me.service.js';
import { Origins } from './origins.js';
import { Passwords } from './passwords.js';
import { PeopleController } from './people.controller.js';
import { People } from './people.service.js';
import { SessionCookie } from './session-cookie.js';
import { Setup, SetupCode } from './setup.service.js';
import { Sharing } from './sharing.service.js';
import { SignInLimits } from './sign-in-limits.js';
import { SignInController } from './sign-in.controller.js';
import { SignIn } from './sign-in.service.js';
import { Resolver, SystemResolver, TargetGuard } from './target-guard.js';
import { TokenUse } from './token-use.js';
import { Tokens } from './tokens.service.js';
import { Workspaces } from './workspaces.service.js';

/** What the rooms above and the server call. */
const offered = [
  Access,
  AccountLinks,
  AccountsService,
  AccountViews,
  Authenticator,
  Desires,
  IngressAddresses,
  LinkBook,
  Origins,
  SessionCookie,
  SetupCode,
  TargetGuard,
];

const inside = [
  AccessChanges,
  Ingresses,
  Invitations,
  LinkPlans,
  Links,
  LinkSettings,
  MeService,
  Passwords,
  People,
  Setup,
  Sharing,
  SignIn,
  SignInLimits,
  Tokens,
  TokenUse,
  Workspaces,
  { provide: Resolver, useClass: SystemResolver },
];

/**
 * Who is here and what connects. Global, because the guard of `@Route` stands before every room's routes. Needs
 * `PlatformModule`, `BusModule` and `ConnectorsModule.forRoot`. The server gives Fastify the configured proxies
 * (`trustProxy`): the client's address is what Fastify says.
 */
@Global()
@Module({
  imports: [AuditModule],
  controllers: [AccountsController, LinksController, MeController, PeopleController, SignInController],
  providers: [...offered, ...inside],
  exports: offered,
})
export class AccountsModule {}
