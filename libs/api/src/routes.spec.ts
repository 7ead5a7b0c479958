import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { RouteSpec } from './routes/route.js';
import { routes } from './routes.js';

const table: readonly (readonly [string, RouteSpec])[] = Object.entries(routes);
const parametersOf = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map((found) => found[1] ?? '');

describe('the route table', () => {
  it.each(table)('%s says what it is', (_, spec) => {
    expect(spec.summary).toMatch(/^\S.{5,}[^.\s]$/);
    expect(spec.path).toMatch(/^\/[a-z0-9/:._-]+[a-z]$/);
  });

  it.each(table)('%s names each parameter of its path, and no other', (_, spec) => {
    expect(Object.keys(spec.params?.shape ?? {}).sort()).toEqual(parametersOf(spec.path).sort());
  });

  it.each(table)('%s has an answer, a medium or nothing to answer with', (_, spec) => {
    const without = spec.status === 204 || spec.status === 101;
    expect(spec.answer === undefined).toBe(without || spec.media !== undefined);
  });

  it.each(table)('%s asks for a scope, unless anybody may ask', (_, spec) => {
    expect(spec.scope === undefined).toBe(spec.auth === 'none');
  });

  it.each(table.filter(([, spec]) => spec.method === 'GET'))(
    '%s changes nothing, so it reads no body',
    (_, spec) => {
      expect(spec.body).toBeUndefined();
      expect(['read', 'me', 'accounts', 'admin', undefined]).toContain(spec.scope);
    },
  );

  it.each(table.filter(([, spec]) => spec.auth === 'none'))(
    '%s is one of the few that anybody may ask',
    (name) => {
      expect([
        'setup',
        'signIn',
        'acceptInvitation',
        'healthz',
        'readyz',
        'metrics',
        'openapi',
        'docs',
        'publicFile',
      ]).toContain(name);
    },
  );

  it.each(table)('%s refuses keys that it does not know', (_, spec) => {
    for (const part of [spec.params, spec.query, spec.body]) {
      const refused = part?.safeParse({ 'no such key': 1 });
      if (refused) expect(refused.error?.issues.map((issue) => issue.code)).toContain('unrecognized_keys');
    }
  });

  it.each(table.filter(([, spec]) => spec.body))('%s refuses a body that is no object', (_, spec) => {
    for (const body of [undefined, null, [], 'text', 7])
      expect(spec.body?.safeParse(body).success).toBe(false);
  });

  it.each(table.filter(([, spec]) => spec.params?.shape['id']))(
    '%s knows an id when it sees one',
    (_, spec) => {
      const id: z.ZodType = z.custom(
        (value) => spec.params?.pick({ id: true }).safeParse({ id: value }).success,
      );
      expect(id.safeParse('0190f0a0-0000-7000-8000-000000000001').success).toBe(true);
      for (const wrong of [
        '',
        '1',
        '0190F0A0-0000-7000-8000-000000000001',
        "0190f0a0-0000-7000-8000-00000000000'",
        '..',
      ]) {
        expect(id.safeParse(wrong).success).toBe(false);
      }
    },
  );

  it('has no two routes that a request could mean at once', () => {
    const meant = table.map(([, spec]) => `${spec.method} ${spec.path.replaceAll(/:\w+/g, ':')}`);
    expect(new Set(meant).size).toBe(meant.length);
    // A parameter never stands where another route has a word.
    for (const [, one] of table) {
      for (const [, other] of table) {
        if (one === other || one.method !== other.method) continue;
        const [a, b] = [one.path.split('/'), other.path.split('/')];
        const alike =
          a.length === b.length &&
          a.every((part, at) => part === b[at] || part.startsWith(':') || b[at]?.startsWith(':'));
        expect(alike ? `${one.path} and ${other.path}` : '').toBe('');
      }
    }
  });

  it('covers the design, but for what later issues bring', () => {
    const there = new Set(table.map(([, spec]) => `${spec.method} ${spec.path.replaceAll(/:\w+/g, '*')}`));
    const asked = `
      POST /v1/setup, POST /v1/session, DELETE /v1/session, GET /v1/me, PATCH /v1/me, POST /v1/tokens, GET /v1/tokens,
      DELETE /v1/tokens/*, POST /v1/invitations, GET /v1/invitations, POST /v1/invitations/*/accept, GET /v1/people,
      GET /v1/people/*, PATCH /v1/people/*, DELETE /v1/people/*, POST /v1/workspaces, GET /v1/workspaces,
      GET /v1/connectors, POST /v1/accounts, GET /v1/accounts, GET /v1/accounts/*, PATCH /v1/accounts/*,
      DELETE /v1/accounts/*, POST /v1/accounts/*/connect, POST /v1/accounts/*/disconnect, POST /v1/accounts/*/answer,
      PUT /v1/accounts/*/people, GET /v1/accounts/*/roster, GET /v1/accounts/*/roster/*,
      PUT /v1/accounts/*/roster/*, DELETE /v1/accounts/*/roster/*,
      POST /v1/accounts/*/roster/*/approve, POST /v1/accounts/*/roster/*/deny, POST /v1/accounts/*/requests, POST /v1/links, GET /v1/links, GET /v1/links/*, PATCH /v1/links/*, DELETE /v1/links/*,
      PUT /v1/presence, GET /v1/conversations, POST /v1/conversations, GET /v1/conversations/*,
      PATCH /v1/conversations/*, DELETE /v1/conversations/*, GET /v1/conversations/*/participants,
      POST /v1/conversations/*/requests, GET /v1/conversations/*/messages, POST /v1/conversations/*/messages,
      PUT /v1/conversations/*/read, PUT /v1/conversations/*/typing, PUT /v1/conversations/*/draft, GET /v1/messages/*,
      PATCH /v1/messages/*, DELETE /v1/messages/*, PUT /v1/messages/*/reactions/*, DELETE /v1/messages/*/reactions/*,
      GET /v1/messages/*/envelopes, POST /v1/envelopes/*/cancel, POST /v1/envelopes/*/resend,
      POST /v1/envelopes/*/release, POST /v1/envelopes/*/refuse, POST /v1/messages, POST /v1/quotes, POST /v1/files,
      GET /v1/files, GET /v1/files/*, DELETE /v1/files/*, GET /f/*, GET /v1/prices, PUT /v1/prices, GET /v1/caps,
      PUT /v1/caps, GET /v1/meter, PUT /v1/meter, GET /v1/ledger, POST /v1/ledger, GET /v1/usage, GET /v1/search, GET /v1/snapshot,
      GET /v1/events, GET /v1/stream, GET /healthz, GET /readyz, GET /metrics, GET /v1/openapi.json, GET /v1/docs`
      .split(',')
      .map((line) => line.trim());
    expect(asked.filter((line) => !there.has(line))).toEqual([]);
  });
});
