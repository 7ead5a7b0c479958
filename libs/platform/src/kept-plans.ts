import { DatabaseError } from 'pg';

/** How many texts may keep their plans: each costs memory on every connection, for as long as that lives. */
const most = 200;

/** Names of prepared statements, by their text. */
export class KeptPlans {
  readonly #names = new Map<string, string>();
  #count = 0;

  /** The name to prepare a text under; undefined when there are too many: then it is planned each time. */
  nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= most) return known;
    const name = `kept_${String(++this.#count)}`;
    this.#names.set(text, name);
    return name;
  }

  /** The tables have changed below the plans of this text: from now on it has another name, so all are made anew. */
  forget(text: string): void {
    this.#names.delete(text);
  }
}

/** Whether a kept plan does not fit the tables any more: somebody has migrated them (SQLSTATE 0A000, by its words). */
export function isStalePlan(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    error.code === '0A000' &&
    error.message.includes('cached plan must not change')
  );
}
