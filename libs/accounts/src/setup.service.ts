import { timingSafeEqual } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Admitted, SetupBody } from '#api';
import { newId } from '#model';
import { Config, Database, Problem } from '#platform';
import { scopesOf } from './authenticator.js';
import { hashOf, newReadableCode, tidyCode } from './codes.js';
import { MeService } from './me.service.js';
import { Passwords } from './passwords.js';
import { anybodyHere, insertPerson } from './people.store.js';
import { offerSetup, setupHash, takeSetup } from './setup.store.js';
import { SignInLimits } from './sign-in-limits.js';
import { Tokens } from './tokens.service.js';
import { Workspaces } from './workspaces.service.js';

/**
 * The code that lets the first person in: given by PARLEY_SETUP_CODE, or made at start while nobody is here. Only its
 * hash is stored, so every start makes a new one; where several gateways start at once, name it in the environment.
 */
@Injectable()
export class SetupCode implements OnModuleInit {
  #code: string | undefined;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!this.config.roles.has('gateway')) return;
    const code = this.config.setupCode ?? newReadableCode();
    if (await offerSetup(this.database, hashOf(tidyCode(code)))) this.#code = code;
  }

  /** For the server to print, and nobody else; undefined once somebody is here. */
  current(): string | undefined {
    return this.#code;
  }

  used(): void {
    this.#code = undefined;
  }
}

/** Makes the first workspace and its admin, once. */
@Injectable()
export class Setup {
  constructor(
    private readonly database: Database,
    private readonly code: SetupCode,
    private readonly limits: SignInLimits,
    private readonly passwords: Passwords,
    private readonly workspaces: Workspaces,
    private readonly tokens: Tokens,
    private readonly me: MeService,
  ) {}

  /** @throws Problem 403 `wrong-code`, 410 `already-set-up`, 429 `too-many-attempts` */
  async run(body: SetupBody, address: string): Promise<Admitted> {
    const attempt = await this.limits.attempt(`setup ${address}`, address);
    const expected = await setupHash(this.database);
    if (!expected || (await anybodyHere(this.database))) throw alreadySetUp();
    const given = hashOf(tidyCode(body.code));
    if (!timingSafeEqual(given, expected)) {
      throw new Problem(403, 'wrong-code', 'This is not the code that was printed at the start.', {
        errors: [{ pointer: '/code', detail: 'is not right' }],
      });
    }
    await attempt.succeeded();
    const passwordHash = await this.passwords.hash(body.password);
    const person = newId<'PersonId'>();
    const { workspace, token } = await this.database.transaction(async (sql) => {
      // The row is the lock: of two at once the second waits here and finds it gone.
      if (!(await takeSetup(sql, given)) || (await anybodyHere(sql))) throw alreadySetUp();
      await insertPerson(sql, { id: person, email: body.email, name: body.name, passwordHash });
      const name = body.workspace ?? `${body.name}’s workspace`;
      const { id: workspace } = await this.workspaces.make(sql, name, person, address);
      const label = 'Made at set-up';
      const { token } = await this.tokens.issue(
        sql,
        { workspace, person, label, scopes: scopesOf('admin') },
        address,
      );
      return { workspace, token };
    });
    this.code.used();
    return { token, me: await this.me.view(workspace, person, scopesOf('admin')) };
  }
}

function alreadySetUp(): Problem {
  return new Problem(410, 'already-set-up', 'This server has been set up. Ask an admin for an invitation.');
}
