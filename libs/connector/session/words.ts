/** The server's words, fit for a person: no controls, not too long. */
export function words(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const clean = text.replace(/[\0-\x1f\x7f]+/g, ' ').trim();
  return clean === '' ? undefined : clean.slice(0, 300).toWellFormed();
}
