import { Injectable } from '@nestjs/common';
import type { JsonObject, Target } from '#connector';
import type { LinkId } from '#model';
import { Problem, SecretBox, type ProblemError } from '#platform';
import { Connectors } from './connectors.js';
import { openSecrets, sealSecrets } from './link-book.js';
import type { SealedLink } from './link.store.js';
import type { Principal } from './principal.js';
import { TargetGuard, TargetRefused, TargetUnresolved } from './target-guard.js';

/** Settings and secrets that may be stored. */
export interface FitSettings {
  readonly settings: JsonObject;
  readonly network: string;
  /** Whether an admin's leave for private targets goes with them. */
  readonly privateLeave: boolean;
}

export interface FitSecrets {
  readonly sealed: Buffer | null;
  readonly names: readonly string[];
}

/** The most hosts that one link may name. */
const mostTargets = 16;

/** Judges what a person wants to connect with, by the connector's own schemas and by law 9. Outside transactions. */
@Injectable()
export class LinkSettings {
  constructor(
    private readonly connectors: Connectors,
    private readonly guard: TargetGuard,
    private readonly box: SecretBox,
  ) {}

  /**
   * Judges settings and secrets of a new link, every mistake at once.
   * @throws Problem 422 `invalid` or `unknown-connector`, 403 `private-target`, `inward-target` or `reserved-target`
   */
  async fit(
    caller: Principal,
    id: LinkId,
    connector: string,
    settings: JsonObject,
    secrets: Readonly<Record<string, string>>,
  ): Promise<FitSettings & FitSecrets> {
    const registered = this.connectors.registered(connector);
    const checkedSettings = registered.settings.check(settings, '/settings');
    const checkedSecrets = registered.secrets.check(secrets, '/secrets');
    const mistakes = [checkedSettings, checkedSecrets].flatMap((checked) =>
      checked.ok ? [] : checked.mistakes,
    );
    if (!checkedSettings.ok || !checkedSecrets.ok) throw invalid(mistakes);
    const fit = await this.judge(caller, connector, checkedSettings.value, undefined);
    return { ...fit, ...this.seal(id, checkedSecrets.value) };
  }

  /**
   * Judges new settings of a link that is there. A member keeps the leave that an admin gave for a host, and gets none
   * for another.
   * @throws as `fit`
   */
  async refit(caller: Principal, link: SealedLink, settings: JsonObject): Promise<FitSettings> {
    const checked = this.connectors.registered(link.connector).settings.check(settings, '/settings');
    if (!checked.ok) throw invalid(checked.mistakes);
    return this.judge(caller, link.connector, checked.value, link);
  }

  /**
   * A link's secrets with some of them replaced; null takes one away.
   * @throws Problem 422 `invalid`
   */
  resecret(link: SealedLink, changes: Readonly<Record<string, string | null>>): FitSecrets {
    const secrets = new Map(Object.entries(openSecrets(this.box, link.id, link.secrets)));
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) secrets.delete(name);
      else secrets.set(name, value);
    }
    const schema = this.connectors.registered(link.connector).secrets;
    const checked = schema.check(Object.fromEntries(secrets), '/secrets');
    if (!checked.ok) throw invalid(checked.mistakes);
    return this.seal(link.id, checked.value);
  }

  private seal(id: LinkId, secrets: Readonly<Record<string, string>>): FitSecrets {
    return { sealed: sealSecrets(this.box, id, secrets), names: Object.keys(secrets).sort() };
  }

  private async judge(
    caller: Principal,
    protocol: string,
    settings: JsonObject,
    before: SealedLink | undefined,
  ): Promise<FitSettings> {
    const connector = this.connectors.get(protocol);
    const targets = connector.targetsOf(settings);
    if (targets.length > mostTargets) {
      throw invalid([{ pointer: '/settings', detail: `may name at most ${String(mostTargets)} hosts` }]);
    }
    const known = before?.privateLeave ? connector.targetsOf(before.settings) : [];
    const leaves = await Promise.all(
      targets.map((target) =>
        this.needsLeave(
          caller,
          target,
          known.some((other) => same(other, target)),
        ),
      ),
    );
    return { settings, network: connector.networkOf(settings), privateLeave: leaves.includes(true) };
  }

  /** Whether a target needs an admin's leave, and has it. */
  private async needsLeave(caller: Principal, target: Target, hasLeave: boolean): Promise<boolean> {
    try {
      return (await this.guard.check(target, { allowPrivate: hasLeave || isAdmin(caller) })).private;
    } catch (error) {
      // It may be found later; then it is judged before the first connect.
      if (error instanceof TargetUnresolved) return hasLeave;
      if (!(error instanceof TargetRefused)) throw error;
      throw new Problem(403, `${error.reason}-target`, error.message, {
        errors: [{ pointer: '/settings', detail: error.message }],
      });
    }
  }
}

/** Whether the caller may do now, with this credential, what only admins do. */
export function isAdmin(caller: Principal): boolean {
  return caller.role === 'admin' && caller.scopes.has('admin');
}

export function invalid(errors: readonly ProblemError[]): Problem {
  return new Problem(422, 'invalid', 'The request has mistakes; each is named.', { errors });
}

function same(a: Target, b: Target): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port;
}
