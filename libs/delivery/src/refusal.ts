import type { Failure } from '#model';
import { Problem } from '#platform';

/** What a person is answered whose message or act may not go. */
export function refused(why: Failure): Problem {
  const detail = why.detail ?? 'The message was refused.';
  return new Problem(why.code === 'not-found' ? 404 : 409, why.code, detail, {
    members: { remedy: why.remedy, ...(why.facts ? { facts: why.facts } : {}) },
  });
}
