import { describe, expect, it } from '@jest/globals';
import { SchemaCheck } from './schema-check.js';

const check = new SchemaCheck({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    host: { type: 'string', title: 'Server', 'x-order': 1 },
    port: { type: 'integer', default: 6697 },
    web: { type: 'string', format: 'uri' },
    kind: { enum: ['a', 'b'] },
    list: { type: 'array', prefixItems: [{ type: 'string' }] },
    'a/b': { type: 'object', required: ['c~d'] },
  },
  required: ['host'],
  additionalProperties: false,
});

describe('a connector’s schema', () => {
  it('fills in its defaults, in a copy', () => {
    const sent = { host: 'irc.example.org' };
    expect(check.check(sent, '/settings')).toEqual({
      ok: true,
      value: { host: 'irc.example.org', port: 6697 },
    });
    expect(sent).toEqual({ host: 'irc.example.org' });
  });

  it('names every mistake at its place, as a JSON pointer', () => {
    const checked = check.check(
      { port: 'x', web: 'no uri', kind: 'c', more: 1, list: [1], 'a/b': {} },
      '/settings',
    );
    if (checked.ok) throw new Error('this should have been refused');
    const told = checked.mistakes.map(({ pointer, detail }) => `${pointer} ${detail}`).sort();
    expect(told).toEqual([
      '/settings/a~1b/c~0d is required',
      '/settings/host is required',
      '/settings/kind must be one of ["a","b"]',
      '/settings/list/0 must be string',
      '/settings/more is not known',
      '/settings/port must be integer',
      '/settings/web must match format "uri"',
    ]);
  });

  it('never repeats what was sent: it may be a secret', () => {
    const checked = check.check({ host: 42, web: 'hunter2 hunter2', kind: 'hunter2' }, '/secrets');
    expect(JSON.stringify(checked)).not.toContain('hunter2');
  });

  it('is refused at start when it is none', () => {
    expect(() => new SchemaCheck({ type: 'no such type' })).toThrow();
  });
});
