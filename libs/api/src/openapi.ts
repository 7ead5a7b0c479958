import { z } from 'zod';
import type { RouteSpec } from './routes/route.js';
import { routes } from './routes.js';
import * as accounts from './shapes/accounts.js';
import * as conversations from './shapes/conversations.js';
import * as events from './shapes/events.js';
import * as files from './shapes/files.js';
import * as messages from './shapes/messages.js';
import * as metering from './shapes/metering.js';
import * as people from './shapes/people.js';
import * as problems from './shapes/problem.js';
import { sessionCookie, type JsonObject } from './values.js';

/** An OpenAPI 3.1 document, as far as its makers need to know it. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonObject>>;
    readonly responses: JsonObject;
    readonly securitySchemes: JsonObject;
  };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly JsonObject[];
  readonly requestBody?: JsonObject;
  readonly responses: Readonly<Record<string, JsonObject>>;
  /** The role that is needed in the workspace, where any is not enough. */
  readonly 'x-role'?: 'admin';
}

const named = {
  ...accounts,
  ...conversations,
  ...events,
  ...files,
  ...messages,
  ...metering,
  ...people,
  ...problems,
};
const description =
  'Accounts on many messaging networks, one inbox. Ids, cursors and positions are opaque; times are RFC 3339 in UTC; ' +
  'an answer may have more keys than are written here, a request may not. Somebody else’s id answers 404.';

/** What a checked pattern repeats of the format that stands beside it. */
const saysItAll = new Set(['date-time', 'email', 'uri']);

/** Schemas of many shapes at once, so that they refer to each other by name. `input`: as a client may write them. */
function schemasOf(
  shapes: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
): Readonly<Record<string, JsonObject>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(shapes)) registry.add(shape, { id });
  const made = z.toJSONSchema(registry, {
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined && saysItAll.has(jsonSchema.format)) delete jsonSchema.pattern;
      // An answer may grow: a client that refuses unknown keys would break on the next release.
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, schema]) => {
      const kept = Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id');
      return [id, Object.fromEntries(kept) as JsonObject];
    }),
  );
}

/** A shape of its own: one that is used in several places would be referred to by a name that nobody gave it. */
const copyOf = (shape: z.ZodType): z.ZodType => z.clone(shape);

const isInput = (name: string): boolean => name.endsWith('Body') || name === 'ClientFrame';

/** Finds or makes the schema of any shape in the table; what has a name is referred to by it. */
class Schemas {
  readonly #names = new Map<z.ZodType, string>(Object.entries(named).map(([name, shape]) => [shape, name]));
  readonly #unnamed: Record<'input' | 'output', Readonly<Record<string, JsonObject>>>;
  readonly components: Readonly<Record<string, JsonObject>>;

  constructor(table: readonly (readonly [string, RouteSpec])[]) {
    const unnamed = { input: new Map<string, z.ZodType>(), output: new Map<string, z.ZodType>() };
    for (const [name, spec] of table) {
      for (const part of ['params', 'query', 'headers', 'body'] as const) {
        const shape = spec[part];
        if (shape && !this.#names.has(shape)) unnamed.input.set(`${name} ${part}`, copyOf(shape));
      }
      for (const [status, shape] of answersOf(spec)) {
        if (!this.#names.has(shape)) unnamed.output.set(`${name} ${status}`, copyOf(shape));
      }
    }
    const input = schemasOf({ ...named, ...Object.fromEntries(unnamed.input) }, 'input');
    const output = schemasOf({ ...named, ...Object.fromEntries(unnamed.output) }, 'output');
    this.#unnamed = { input, output };
    this.components = Object.fromEntries(
      Object.keys(named).map((name) => [name, (isInput(name) ? input[name] : output[name]) ?? {}]),
    );
  }

  of(shape: z.ZodType, io: 'input' | 'output', place: string): JsonObject {
    const name = this.#names.get(shape);
    if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
    return this.#unnamed[io][place] ?? {};
  }
}

function answersOf(spec: RouteSpec): readonly (readonly [string, z.ZodType])[] {
  return [
    ...(spec.answer ? [[String(spec.status), spec.answer] as const] : []),
    ...Object.entries(spec.others ?? {}),
  ];
}

function parametersOf(name: string, spec: RouteSpec, schemas: Schemas): readonly JsonObject[] {
  return (['params', 'query', 'headers'] as const).flatMap((part) => {
    const shape = spec[part];
    if (!shape) return [];
    const schema = schemas.of(shape, 'input', `${name} ${part}`) as {
      readonly properties?: Readonly<Record<string, JsonObject>>;
      readonly required?: readonly string[];
    };
    return Object.entries(schema.properties ?? {}).map(([key, value]) => ({
      name: key,
      in: part === 'params' ? 'path' : part === 'query' ? 'query' : 'header',
      required: part === 'params' || (schema.required ?? []).includes(key),
      schema: value,
    }));
  });
}

const problem = { $ref: '#/components/responses/Problem' };

function responsesOf(name: string, spec: RouteSpec, schemas: Schemas): Readonly<Record<string, JsonObject>> {
  const responses: Record<string, JsonObject> = {};
  for (const [status, shape] of answersOf(spec)) {
    const schema = schemas.of(shape, 'output', `${name} ${status}`);
    responses[status] = {
      description: status === String(spec.status) ? spec.summary : `also: ${spec.summary}`,
      content: {
        'application/json': { schema },
        ...(spec.stream === 'server-sent-events'
          ? { 'text/event-stream': { schema: { type: 'string' } } }
          : {}),
        ...(spec.csv && status === String(spec.status) ? { 'text/csv': { schema: { type: 'string' } } } : {}),
      },
    };
  }
  if (!spec.answer) {
    responses[String(spec.status)] = {
      description:
        spec.stream === 'websocket' ? 'From here on a WebSocket: ServerFrame, ClientFrame' : spec.summary,
      ...(spec.media === undefined
        ? {}
        : { content: { [spec.media]: { schema: spec.media === '*/*' ? bytes : { type: 'string' } } } }),
    };
  }
  if (spec.auth !== 'none') {
    responses['401'] = problem;
    responses['403'] = problem;
  }
  if (spec.params) responses['404'] = problem;
  if (spec.body ?? spec.query ?? spec.headers) responses['422'] = problem;
  return { ...responses, default: problem };
}

const bytes = { type: 'string', format: 'binary' };
const fileBody = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: { type: 'object', required: ['file'], properties: { file: bytes } },
    },
    'application/octet-stream': { schema: bytes },
  },
};

function operationOf(name: string, spec: RouteSpec, schemas: Schemas): Operation {
  const scope = spec.scope === undefined ? [] : [spec.scope];
  return {
    operationId: name,
    summary: spec.summary,
    tags: [spec.tag],
    security: spec.auth === 'none' ? [] : [{ bearer: scope }, { cookie: [] }],
    parameters: parametersOf(name, spec, schemas),
    ...(spec.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemas.of(spec.body, 'input', `${name} body`) } },
          },
        }
      : {}),
    ...(spec.upload ? { requestBody: fileBody } : {}),
    responses: responsesOf(name, spec, schemas),
    ...(spec.auth === 'admin' ? { 'x-role': 'admin' } : {}),
  };
}

/**
 * The API's description, OpenAPI 3.1 (schemas are JSON Schema 2020-12), made from the route table.
 * @param about the server's version, and the base URL that clients reach it by.
 */
export function openapi(about: { readonly version: string; readonly url?: string }): OpenApiDocument {
  const table: readonly (readonly [string, RouteSpec])[] = Object.entries(routes);
  const schemas = new Schemas(table);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [name, spec] of table) {
    const path = spec.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[spec.method.toLowerCase()] = operationOf(name, spec, schemas);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Parley', version: about.version, description },
    servers: [{ url: about.url ?? '/' }],
    paths,
    components: {
      schemas: schemas.components,
      responses: {
        Problem: {
          description: 'Problem details, RFC 9457',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: sessionCookie },
      },
    },
  };
}
