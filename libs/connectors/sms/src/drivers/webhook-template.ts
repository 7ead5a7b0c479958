/* A request made from a template: what is put in is escaped for its place, so that a text never becomes more than text. Pure. */
import type { JsonObject, JsonValue } from '#connector';
import type { Ask } from './http.js';
import type { WebhookSettings } from './webhook.settings.js';

const names = ['to', 'from', 'text', 'id', 'callback', 'token'] as const;

/** What the names in a template stand for. */
export type Blanks = Readonly<Record<(typeof names)[number], string>> & {
  /** All recipients, where the template has a list for them: `["{{to}}"]`. */
  readonly recipients: readonly string[];
};

const blank = /\{\{\s*([A-Za-z]+)\s*\}\}/g;

/** The names in a template that stand for nothing. */
export function unknownNames({ url, headers, json, form }: WebhookSettings): readonly string[] {
  const all = JSON.stringify([url, headers, json ?? {}, form ?? {}]);
  return [...all.matchAll(blank)].flatMap(([, name = '']) =>
    (names as readonly string[]).includes(name) ? [] : [name],
  );
}

const recipient = /^\{\{\s*to\s*\}\}$/;

function isRecipients(value: JsonValue): boolean {
  return (
    Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' && recipient.test(value[0])
  );
}

/** Whether a body has a list of recipients, so that one text may go to a group. */
export function takesGroups(json: JsonValue | undefined): boolean {
  if (json === undefined || typeof json !== 'object' || json === null) return false;
  return isRecipients(json) || Object.values(json).some((one: JsonValue) => takesGroups(one));
}

/** The request of one text. */
export function requestOf(settings: WebhookSettings, blanks: Blanks): Ask {
  const { method, url, headers, json, form } = settings;
  const filled = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), fill(value, blanks, forHeader)]),
  );
  const address = new URL(fill(url, blanks, encodeURIComponent));
  if (method === 'GET') return { method, url: address, headers: filled };
  if (form !== undefined) {
    const pairs = Object.entries(form).map(([name, value]): [string, string] => [
      name,
      fill(value, blanks, asIs),
    ]);
    const body = new URLSearchParams(pairs).toString();
    return {
      method,
      url: address,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...filled },
      body,
    };
  }
  if (json === undefined) return { method, url: address, headers: filled };
  const body = JSON.stringify(fillJson(json, blanks));
  return { method, url: address, headers: { 'content-type': 'application/json', ...filled }, body };
}

function fillJson(value: JsonValue, blanks: Blanks): JsonValue {
  if (typeof value === 'string') return fill(value, blanks, asIs);
  if (typeof value !== 'object' || value === null) return value;
  if (isRecipients(value)) return [...blanks.recipients];
  if (Array.isArray(value)) return value.map((one: JsonValue) => fillJson(one, blanks));
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([name, one]) => [name, fillJson(one, blanks)]),
  );
}

function fill(template: string, blanks: Blanks, escape: (text: string) => string): string {
  return template.replace(blank, (whole, name: string) => {
    const known = names.find((one) => one === name);
    return known === undefined ? whole : escape(blanks[known]);
  });
}

function asIs(text: string): string {
  return text;
}

/** A header is one line of what ASCII can show (RFC 9110 §5.5). */
function forHeader(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}
