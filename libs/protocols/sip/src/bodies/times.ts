/* Moments as XML Schema writes them (`xs:dateTime`, RFC 3339). */

const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?$/;

/** Reads a moment; one without a zone is taken for UTC. Undefined for what is none. */
export function momentOf(text: string | undefined): Date | undefined {
  const trimmed = text?.trim() ?? '';
  if (!shape.test(trimmed)) return undefined;
  const at = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(trimmed) ? trimmed : `${trimmed}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
