/** Something that takes SQL: the database, or one transaction of it. */
export interface Sql {
  query<Row extends object>(text: string, params?: readonly unknown[]): Promise<Row[]>;
}
