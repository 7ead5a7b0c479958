import { describe, expect, it } from '@jest/globals';
import { openapi, type Operation } from './openapi.js';
import { routes } from './routes.js';

const document = openapi({ version: '1.2.3', url: 'https://parley.example.org' });
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [`${method} ${path}`, path, operation] as const),
);

/** Every object in a JSON value, itself among them. */
function* objectsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Readonly<Record<string, unknown>>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

/** What a reference inside the document leads to. */
function follow(reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], document);
}

describe('the OpenAPI document', () => {
  it('is plain JSON, and says what it is', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Parley', version: '1.2.3' });
    expect(document.servers).toEqual([{ url: 'https://parley.example.org' }]);
  });

  it('has an operation for every route, under its name', () => {
    const ids = operations.map(([, , operation]) => operation.operationId);
    expect(ids.sort()).toEqual(Object.keys(routes).sort());
  });

  it('refers to nothing that is not there, and only to what is inside', () => {
    let seen = 0;
    for (const object of objectsIn(document)) {
      const reference = object['$ref'];
      if (typeof reference !== 'string') continue;
      seen++;
      expect(reference).toMatch(/^#\/components\//);
      expect([reference, typeof follow(reference)]).toEqual([reference, 'object']);
    }
    expect(seen).toBeGreaterThan(100);
  });

  it('keeps no schema twice: what has a name is referred to', () => {
    const { Message, Snapshot, MyConversation } = document.components.schemas;
    const inside = { Snapshot, MyConversation };
    expect(JSON.stringify(inside)).toContain('#/components/schemas/Message');
    expect(JSON.stringify(inside)).not.toContain(JSON.stringify(Message));
    for (const object of objectsIn(document)) expect(Object.keys(object)).not.toContain('$defs');
  });

  it.each(operations)('%s declares each parameter of its path', (_, path, operation) => {
    const inPath = operation.parameters.filter((parameter) => parameter['in'] === 'path');
    expect(inPath.map(({ name }) => (typeof name === 'string' ? `{${name}}` : name)).sort()).toEqual(
      [...(path.match(/\{\w+\}/g) ?? [])].sort(),
    );
    for (const parameter of operation.parameters) expect(parameter['schema']).toEqual(expect.any(Object));
    for (const parameter of inPath) expect(parameter['required']).toBe(true);
  });

  it.each(operations)(
    '%s describes each answer, and what an error looks like',
    (_, __, operation: Operation) => {
      const { default: otherwise, ...answers } = operation.responses;
      expect(otherwise).toEqual({ $ref: '#/components/responses/Problem' });
      const good = Object.entries(answers).filter(([status]) => Number(status) < 400);
      expect(good.length).toBeGreaterThan(0);
      for (const [status, answer] of Object.entries(answers)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        if (!('$ref' in answer)) expect(answer['description']).toEqual(expect.stringMatching(/\S/));
      }
    },
  );

  it.each(operations)('%s says who may ask', (_, __, operation) => {
    const spec = routes[operation.operationId as keyof typeof routes];
    if (spec.auth === 'none') expect(operation.security).toEqual([]);
    else expect(operation.security).toEqual([{ bearer: [spec.scope] }, { cookie: [] }]);
    expect(operation['x-role']).toBe(spec.auth === 'admin' ? 'admin' : undefined);
  });

  it('lets answers grow and holds requests tight', () => {
    expect(document.components.schemas['Message']?.['additionalProperties']).toBeUndefined();
    expect(document.components.schemas['SendMessageBody']?.['additionalProperties']).toBe(false);
    expect(document.components.schemas['ClientFrame']?.['oneOf']).toEqual(expect.any(Array));
  });
});
