import { describe, expect, it } from '@jest/globals';
import { schemaFaults, valueFaults } from './schema.js';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['host'],
  properties: {
    host: { type: 'string', minLength: 1, pattern: '^[a-z]+$' },
    port: { type: 'integer', minimum: 1, maximum: 65_535, default: 1 },
    kind: { enum: ['a', 'b'] },
    names: { type: 'array', items: { type: 'string' } },
  },
} as const;

describe('a schema of settings', () => {
  it('is seen to be one', () => {
    expect(schemaFaults(schema)).toEqual([]);
  });

  it.each([
    ['a type that is none', { type: 'text' }],
    ['a pattern that is none', { pattern: '(' }],
    ['a requirement of what is unknown', { type: 'object', required: ['x'] }],
    ['a property that is no schema', { properties: { x: 1 } }],
    ['a default that it refuses', { properties: { x: { type: 'integer', default: 'one' } } }],
  ])('is faulted for %s', (_, faulty) => {
    expect(schemaFaults(faulty)).toHaveLength(1);
  });

  it('passes what it allows', () => {
    expect(valueFaults(schema, { host: 'example', port: 80, kind: 'a', names: ['x'] })).toEqual([]);
  });

  it.each([
    ['lacks something', {}],
    ['is of another type', { host: 1 }],
    ['is of another form', { host: 'EXAMPLE' }],
    ['is too large', { host: 'x', port: 70_000 }],
    ['is no whole number', { host: 'x', port: 1.5 }],
    ['is none of its words', { host: 'x', kind: 'c' }],
    ['holds something else', { host: 'x', names: [1] }],
    ['has more than it may', { host: 'x', more: true }],
  ])('refuses what %s', (_, value) => {
    expect(valueFaults(schema, value)).toHaveLength(1);
  });
});
