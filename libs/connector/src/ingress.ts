/*
 * Networks that call us over HTTP: a provider's webhooks. The gateway has no session, so what a request means is told by
 * the connector itself, without state: it verifies, reads and answers. What was accepted is stored under the provider's
 * own id before the provider is answered, and handed in order to whoever holds the link (`TakesIngress`).
 */
import type { AccountId } from '#model';
import type { Connector, JsonObject } from './connector.js';

/** A request as it came, at the address that the account was given for it. */
export interface RawRequest {
  /** In capitals. */
  readonly method: string;
  /** The public URL as the provider called it, its query untouched: what signatures are made over. */
  readonly url: string;
  /** By lower-case name; of a field that came several times the values, joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes as they came, at most 1 MiB; none is an empty buffer. */
  readonly body: Buffer;
  readonly at: Date;
}

/** Whose provider is calling. Settings and secrets are those of the account's link and have passed their schemas. */
export interface Ingress {
  readonly account: AccountId;
  readonly settings: JsonObject;
  readonly secrets: Readonly<Record<string, string>>;
}

/** What a request brings, one fact each. */
export interface IngressItem {
  /**
   * The provider's id of this fact, the same when it tells it again: a replay stores nothing and gets the same answer, for
   * at least seven days. What comes later must be told by a time that the provider signed. Without an id each is another.
   */
  readonly id?: string;
  /** All that the session needs, as `takeIn` is given it: at most `mostItemBytes` as JSON. */
  readonly item: JsonObject;
}

/** The longest item, in bytes of JSON. */
export const mostItemBytes = 262_144;

/** The most items of one request. */
export const mostItems = 1_000;

/**
 * What a request is. `accepted`: the items are stored, all or none, and then it is answered so. `refused`: forged or
 * malformed; nothing is stored.
 */
export type IngressOutcome =
  | { readonly outcome: 'accepted'; readonly items: readonly IngressItem[]; readonly answer: HttpAnswer }
  | { readonly outcome: 'refused'; readonly answer: HttpAnswer };

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A connector whose providers call us: the half of `accepts-http` that the gateway runs. */
export interface AcceptsHttp {
  /** Verifies and reads a request. Pure, and never throws: a request that nobody could have meant is `refused`. */
  ingress(request: RawRequest, to: Ingress): IngressOutcome;
}

/** The half of `accepts-http` that the session runs. */
export interface TakesIngress {
  /**
   * Takes in one item that `ingress` accepted: emits what it says. `taken`: it is stored, was stored before, or will never
   * be; it is forgotten. `later`: offered again, before all that came after it. After a crash the same item may be offered
   * again though it was taken, so what it says bears remote ids. Never rejects, and ends when the session is closed.
   */
  takeIn(account: AccountId, item: JsonObject): Promise<'taken' | 'later'>;
}

/** Whether providers call this connector; inside the guard they may. */
export function acceptsHttp(connector: Connector): connector is Connector & AcceptsHttp {
  return 'ingress' in connector;
}
