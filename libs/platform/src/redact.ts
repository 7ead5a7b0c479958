/*
 * What may be in a log: facts, never secrets and never what people wrote. Rooms are told not to hand such things over;
 * this is the net below them. It looks at every level of a fact, where the logger's own redaction wants to know paths.
 */

/** Names of fields whose value is never written: secrets, and people's words. */
const hushed =
  /(pass(word|wd|phrase)?|secrets?|token|api_?key|(master|private|signing)_?key|authorization|cookies?|credentials?|setup_?code|(?<!con)text|body|bodies|html)$|^(topic|note|draft)$/i;

const mask = '[redacted]';
const deepest = 5;
const widest = 50;

/** An address that a provider calls (`/in/{account}/{secret}`), in whatever it stands. */
const ingress = /(\/in\/[\da-f-]{36}\/)[^\s/?#"'<>]+/gi;

/** A copy that is fit for a log: hushed fields masked, errors told by what is safe of them, passwords cut out of URLs. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return withoutUrlSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorFacts(value, depth);
  if (value instanceof Date || value instanceof URL) return withoutUrlSecrets(value.toJSON());
  if (ArrayBuffer.isView(value)) return `[${String(value.byteLength)} bytes]`;
  if (depth >= deepest) return '[deeper]';
  if (value instanceof Map || value instanceof Set) return redacted([...value], depth);
  if (Array.isArray(value)) {
    const shown = value.slice(0, widest).map((each) => redacted(each, depth + 1));
    return value.length > widest ? [...shown, `[${String(value.length - widest)} more]`] : shown;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      mayShow(name, each) ? redacted(each, depth + 1) : mask,
    ]),
  );
}

function mayShow(name: string, value: unknown): boolean {
  // Whether there is one, and how many, is a fact; what it says is not.
  if (value === undefined || value === null || typeof value === 'boolean' || typeof value === 'number')
    return true;
  return !hushed.test(name.replaceAll('-', '_'));
}

function withoutUrlSecrets(text: string): string {
  return text.replace(/(\w:\/\/[^\s/?#:@]*):[^\s/?#@]+@/g, '$1:***@').replace(ingress, '$1***');
}

/**
 * An error's type, code, message and stack. Not its other fields: PostgreSQL's `detail` shows whole rows, and Prisma's
 * errors carry the arguments of the call.
 */
function errorFacts(
  error: Error & { code?: unknown; cause?: unknown },
  depth: number,
): Record<string, unknown> {
  const { name, code, stack, cause } = error;
  const message = safeMessage(error);
  const frames = stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    // node-postgres calls all of its errors "error".
    type: name === 'error' ? error.constructor.name : name,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    message,
    ...(frames !== undefined && depth <= 1 && { stack: frames.map((line) => line.trim()).slice(0, 12) }),
    ...(depth < deepest && error instanceof AggregateError && { errors: redacted(error.errors, depth + 1) }),
    ...(depth < deepest && cause !== undefined && { cause: redacted(cause, depth + 1) }),
  };
}

function safeMessage(error: Error & { code?: unknown }): string {
  // Prisma shows the call with its arguments, and says what was wrong in the last line.
  if (error.name.startsWith('PrismaClient'))
    return withoutUrlSecrets(error.message.trim().split('\n').at(-1) ?? '');
  // V8 quotes what it could not parse.
  if (error instanceof SyntaxError && /JSON/.test(error.message)) return 'not valid JSON';
  // PostgreSQL quotes the value that it could not take (class 22: data exception).
  if (typeof error.code === 'string' && /^22[0-9A-Z]{3}$/.test(error.code)) {
    return error.message.replace(/".*"/gs, '"…"');
  }
  return withoutUrlSecrets(error.message.slice(0, 1_000));
}
