import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonObject } from '#connector';

/** One mistake, where a client can find it: a JSON pointer (RFC 6901) into the request body. */
export interface Mistake {
  readonly pointer: string;
  readonly detail: string;
}

export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly mistakes: readonly Mistake[] };

// One for all schemas: each would make the checks of JSON Schema itself anew, which takes longer than all the rest. Keywords
// that only forms understand are let through, hence not strict.
const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: false });
addFormats.default(ajv);

/**
 * A connector's own JSON Schema (2020-12), applied to what a person sent. Gives the value back with the schema's
 * defaults filled in, or every mistake at once. A mistake never repeats the value: it may be a secret.
 */
export class SchemaCheck {
  readonly #validate: ValidateFunction;

  /** @throws Error when the schema is none: a fault of the connector's, found at start. */
  constructor(schema: JsonObject) {
    this.#validate = ajv.compile(schema);
  }

  /** @param root the pointer of the value within the body, like `/settings`. */
  check<T extends JsonObject>(value: T, root: string): Checked<T> {
    const filled = structuredClone(value);
    if (this.#validate(filled)) return { ok: true, value: filled };
    return { ok: false, mistakes: (this.#validate.errors ?? []).map((error) => mistakeOf(error, root)) };
  }
}

function mistakeOf(error: ErrorObject, root: string): Mistake {
  const params = error.params as Readonly<Record<string, unknown>>;
  const at = `${root}${error.instancePath}`;
  switch (error.keyword) {
    case 'required':
    case 'dependentRequired':
      return { pointer: `${at}/${escaped(params['missingProperty'])}`, detail: 'is required' };
    case 'additionalProperties':
      return { pointer: `${at}/${escaped(params['additionalProperty'])}`, detail: 'is not known' };
    case 'unevaluatedProperties':
      return { pointer: `${at}/${escaped(params['unevaluatedProperty'])}`, detail: 'is not known' };
    case 'enum':
      return { pointer: at, detail: `must be one of ${JSON.stringify(params['allowedValues'])}` };
    default:
      return { pointer: at, detail: error.message ?? 'is not allowed' };
  }
}

/** RFC 6901 §3. */
function escaped(name: unknown): string {
  return String(name).replaceAll('~', '~0').replaceAll('/', '~1');
}
