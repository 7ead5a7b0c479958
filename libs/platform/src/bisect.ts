/**
 * Works on a batch whose data may be at fault: when `work` fails with an error that `guilty` recognises, the batch is
 * halved until the guilty items stand alone; each of them is handed to `alone`. Any other error is thrown on.
 * @returns one answer per item, in order
 */
export async function bisect<Item, Answer>(
  items: readonly Item[],
  work: (items: readonly Item[]) => Promise<readonly Answer[]>,
  guilty: (error: unknown) => boolean,
  alone: (item: Item, error: unknown) => Promise<Answer>,
): Promise<readonly Answer[]> {
  if (items.length === 0) return [];
  try {
    return await work(items);
  } catch (error) {
    if (!guilty(error)) throw error;
    const [only] = items;
    if (items.length === 1) return [await alone(only as Item, error)];
    const middle = items.length >> 1;
    const first = await bisect(items.slice(0, middle), work, guilty, alone);
    const second = await bisect(items.slice(middle), work, guilty, alone);
    return [...first, ...second];
  }
}

/**
 * Whether PostgreSQL refused the data itself: SQLSTATE class 22 (data exception), 23 (integrity violation) or 54 (a limit
 * exceeded: what a peer calls an id may be longer than an index can hold).
 */
export function isDataError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(22|23|54)...$/.test(code);
}
