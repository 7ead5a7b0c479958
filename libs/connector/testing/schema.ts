import type { JsonObject, JsonValue } from '#connector';

/*
 * As much of JSON Schema (2020-12) as settings need, to see that a connector's schema is one and that settings pass it.
 * The house validates with a real validator; this one is here so that the kit needs none.
 */
const types = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is wrong with a schema of settings or secrets, as sentences. */
export function schemaFaults(schema: JsonObject, where = 'the schema'): readonly string[] {
  const faults: string[] = [];
  const { type, properties, required, pattern } = schema;
  if (type !== undefined && !(typeof type === 'string' && types.includes(type))) {
    faults.push(`${where}: ${JSON.stringify(type)} is no type`);
  }
  if (typeof pattern === 'string') {
    try {
      new RegExp(pattern, 'u');
    } catch {
      faults.push(`${where}: the pattern is no regular expression`);
    }
  }
  if (properties !== undefined && !isObject(properties)) faults.push(`${where}: properties is no object`);
  const known = isObject(properties) ? properties : {};
  for (const [name, property] of Object.entries(known)) {
    if (!isObject(property)) faults.push(`${where}.${name} is no schema`);
    else {
      faults.push(...schemaFaults(property, `${where}.${name}`));
      if (property['default'] !== undefined) faults.push(...valueFaults(property, property['default'], name));
    }
  }
  for (const name of Array.isArray(required) ? (required as readonly JsonValue[]) : []) {
    if (typeof name !== 'string' || !(name in known))
      faults.push(`${where}: ${JSON.stringify(name)} is required and unknown`);
  }
  return faults;
}

/** What is wrong with a value by a schema. */
export function valueFaults(schema: JsonObject, value: JsonValue, where = 'the value'): readonly string[] {
  const { type, minimum, maximum, exclusiveMinimum, minLength, maxLength, pattern } = schema;
  const faults: string[] = [];
  if (typeof type === 'string' && !isOfType(type, value)) return [`${where} is no ${type}`];
  if (Array.isArray(schema['enum']) && !(schema['enum'] as readonly JsonValue[]).includes(value)) {
    faults.push(`${where} is none of its values`);
  }
  if (typeof value === 'number') {
    if (typeof minimum === 'number' && value < minimum) faults.push(`${where} is too small`);
    if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
      faults.push(`${where} is too small`);
    if (typeof maximum === 'number' && value > maximum) faults.push(`${where} is too large`);
  }
  if (typeof value === 'string') {
    if (typeof minLength === 'number' && value.length < minLength) faults.push(`${where} is too short`);
    if (typeof maxLength === 'number' && value.length > maxLength) faults.push(`${where} is too long`);
    if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value))
      faults.push(`${where} has the wrong form`);
  }
  if (isObject(value)) faults.push(...objectFaults(schema, value, where));
  if (Array.isArray(value) && isObject(schema['items'])) {
    for (const item of value as readonly JsonValue[])
      faults.push(...valueFaults(schema['items'], item, where));
  }
  return faults;
}

function objectFaults(schema: JsonObject, value: JsonObject, where: string): readonly string[] {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as readonly JsonValue[]) : [];
  const faults = required
    .filter((name) => typeof name === 'string' && !(name in value))
    .map((name) => `${where} lacks ${JSON.stringify(name)}`);
  for (const [name, inner] of Object.entries(value)) {
    const property = properties[name];
    if (isObject(property)) faults.push(...valueFaults(property, inner, `${where}.${name}`));
    else if (schema['additionalProperties'] === false) faults.push(`${where}.${name} is not in the schema`);
  }
  return faults;
}

function isOfType(type: string, value: JsonValue): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
}
