/* Maps that remember so much and no more. They keep the order of insertion: the first is the oldest. */

/** Lets go of the oldest, until no more than `most` are left. */
export function trim<K>(map: Map<K, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}

/** Keeps something as the newest, and no more than `most` in all. */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  trim(map, most);
}
