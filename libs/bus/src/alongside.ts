import type { Alongside } from './event-log.js';

/** Several companions of one append as one: their CTEs behind each other, their parameters numbered on. */
export function beside(...parts: readonly Alongside[]): Alongside {
  return {
    params: parts.flatMap(({ params }) => params),
    ctes: (from) => {
      let next = from;
      return parts
        .map((part) => {
          const text = part.ctes(next);
          next += part.params.length;
          return text;
        })
        .join(',\n');
    },
  };
}
