import { z } from 'zod';
import { ErrorCodeWord, RemedyWord } from '../words.js';

/** What went wrong on a network, and what to do about it. */
export const Failure = z.object({
  code: ErrorCodeWord,
  remedy: RemedyWord,
  detail: z.string().exactOptional(),
  /** What the sentence says, for programs: amounts, limits, moments. */
  facts: z.record(z.string(), z.string()).exactOptional(),
});
export type Failure = z.output<typeof Failure>;

/**
 * An error's answer: RFC 9457 problem details, media type application/problem+json. `code` is stable and meant for
 * programs; `detail` is a sentence for people. `errors` says of each mistake where it is (a JSON pointer, RFC 6901,
 * into the body, or a parameter's name) and what.
 */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string().exactOptional(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).exactOptional(),
});
export type Problem = z.output<typeof Problem>;
