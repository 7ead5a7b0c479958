import { Global, Module } from '@nestjs/common';
import { AccountViews } from './account-views.js';
import { Access } from './access.js';
import { Authenticator } from './authenticator.js';
import { Desires } from './desired.store.js';
import { LinkBook } from './link-book.js';
import { Origins } from './origins.js';
import { Passwords } from './passwords.js';
import { SessionCookie } from './session-cookie.js';
import { Resolver, SystemResolver, TargetGuard } from './target-guard.js';
import { TokenUse } from './token-use.js';

/** What the rooms above call. */
const offered = [Access, AccountViews, Authenticator, Desires, LinkBook, Origins, SessionCookie, TargetGuard];

/**
 * Who is here and what connects. Global, because the guard of `@Route` stands before every room's routes. Needs
 * `PlatformModule`, `BusModule`, `AuditModule` and `ConnectorsModule.forRoot`.
 */
@Global()
@Module({
  providers: [...offered, Passwords, TokenUse, { provide: Resolver, useClass: SystemResolver }],
  exports: offered,
})
export class AccountsModule {}
