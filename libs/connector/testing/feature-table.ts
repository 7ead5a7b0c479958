/*
 * The feature table of a connector's page, made from its declaration. `describeFeatures` holds the declaration against
 * what the connector says of itself, and the page against the declaration; with PARLEY_WRITE_DOCS=1 it writes the page
 * instead (`npm run docs`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  can,
  type AbilityName,
  type Connector,
  type Feature,
  type FeatureWay,
  type JsonObject,
} from '#connector';
import { capabilityNames, levelOf, newId, type CapabilityLevel, type CapabilityName } from '#model';
import { TestContext } from './test-context.js';

const begin = '<!-- features: made by `npm run docs` from the connector’s declaration -->';
const end = '<!-- end of features -->';

export interface FeatureSheet<Prover extends string> {
  readonly connector: Connector;
  readonly features: readonly Feature<Prover>[];
  /** What features were proved on, each with its name for people. */
  readonly provers: Readonly<Record<Prover, string>>;
  /** A paragraph under the table. */
  readonly note?: string;
  /** The page, as a path. */
  readonly page: string;
  /** Settings with which a session can be made; it is not connected. */
  readonly settings: JsonObject;
}

/** The declaration against the connector, and the page against the declaration. */
export function describeFeatures<Prover extends string>(sheet: FeatureSheet<Prover>): void {
  const { connector, features, provers, page, settings, note } = sheet;
  const { name, capabilities, abilities } = connector.describe();

  describe(`the feature table of ${name}`, () => {
    it('tells of every capability, ability and request that the connector declares, and of no other', () => {
      const session = connector.open({ id: newId<'LinkId'>(), settings }, new TestContext({ secrets: {} }));
      const requests = can(session, 'takes-requests') ? session.requestKinds : [];
      expect(told(features, ({ capability }) => (capability === undefined ? [] : [capability]))).toEqual(
        sorted(capabilityNames.filter((one) => levelOf(capabilities, one) !== 'none')),
      );
      // Pace is no feature, and what answers requests is told by their kinds.
      const plumbing: readonly AbilityName[] = ['paces', 'takes-requests'];
      expect(told(features, (one) => one.abilities ?? [])).toEqual(
        sorted(abilities.filter((one) => !plumbing.includes(one))),
      );
      expect(told(features, (one) => one.requests ?? [])).toEqual(sorted(requests));
    });

    it('promises no more and no less than the connector declares', () => {
      const promised = new Map<CapabilityName, CapabilityLevel>();
      for (const { capability, out, in: inward } of features) {
        if (capability === undefined) continue;
        promised.set(
          capability,
          better(better(promised.get(capability) ?? 'none', levelIn(out)), levelIn(inward)),
        );
      }
      const declared = [...promised.keys()].map((one) => [one, levelOf(capabilities, one)] as const);
      expect(promised).toEqual(new Map(declared));
    });

    it('names each feature once and says what it was proved on', () => {
      const names = features.map(({ feature }) => feature);
      expect(new Set(names).size).toBe(names.length);
      const unproved = features.filter(
        (one) => one.provedOn.length === 0 && [one.out, one.in].some((way) => levelIn(way) !== 'none'),
      );
      expect(unproved.map(({ feature }) => feature)).toEqual([]);
    });

    it('stands on the page as it is declared (npm run docs writes it)', () => {
      const text = readFileSync(page, 'utf8');
      const table = [featureTable(features, provers), ...(note === undefined ? [] : [note])].join('\n\n');
      const [before, rest] = cut(text, begin);
      const [, after] = cut(rest, end);
      const wanted = `${before}${begin}\n\n${table}\n\n${end}${after}`;
      if (process.env['PARLEY_WRITE_DOCS'] === '1') writeFileSync(page, wanted);
      else expect(text).toBe(wanted);
    });
  });
}

/** The table in Markdown, its columns as wide as the formatter makes them. */
export function featureTable<Prover extends string>(
  features: readonly Feature<Prover>[],
  provers: Readonly<Record<Prover, string>>,
): string {
  const rows = [
    ['', 'out', 'in', 'needs', 'proved on'],
    ...features.map(({ feature, out, in: inward, needs = [], provedOn }) => [
      feature,
      cellOf(out),
      cellOf(inward),
      needs.join(', '),
      provedOn.map((one) => provers[one]).join(', '),
    ]),
  ].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell))).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function cellOf(way: FeatureWay): string {
  if (way === '-') return '–';
  const { level, how } = way;
  if (level === 'none') return how === undefined ? 'no' : `no: ${how}`;
  if (level === 'native') return how === undefined ? 'yes' : `yes: ${how}`;
  return how === undefined ? 'as text' : `as text: ${how}`;
}

function levelIn(way: FeatureWay): CapabilityLevel {
  return way === '-' ? 'none' : way.level;
}

function better(one: CapabilityLevel, other: CapabilityLevel): CapabilityLevel {
  const order: readonly CapabilityLevel[] = ['none', 'fallback', 'native'];
  return order.indexOf(one) > order.indexOf(other) ? one : other;
}

/** In characters as a reader counts them. */
function widthOf(cell: string): number {
  return [...new Intl.Segmenter().segment(cell)].length;
}

function told(features: readonly Feature[], of: (feature: Feature) => readonly string[]): readonly string[] {
  return sorted(new Set(features.flatMap(of)));
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...names].sort();
}

/** What stands before and after a text that stands there once. */
function cut(text: string, mark: string): readonly [before: string, after: string] {
  const at = text.indexOf(mark);
  if (at === -1 || text.includes(mark, at + 1)) throw new Error(`the page must hold once: ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
