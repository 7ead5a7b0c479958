import type { CapabilityName } from '#model';
import type { AbilityName } from '#connector';
import type { Bench } from './bench.js';
import type { ActName, Harness } from './harness.js';

/**
 * What a test needs: something that the connector declares (an ability, a capability that is native), something that the
 * harness declares (an act, or its lack), or a link whose silence is noticed within a test's time.
 */
type Need =
  | { readonly ability: AbilityName }
  | { readonly capability: CapabilityName }
  /** The network of the test offers it: a session says it can do it there. */
  | { readonly here: CapabilityName }
  | { readonly act: ActName }
  /** The test is about networks that cannot do this. */
  | { readonly without: ActName }
  | { readonly timing: 'silenceMs' }
  /** The connector judges messages before they are accepted. */
  | { readonly judges: true }
  /** The network has words for consent. */
  | { readonly consents: true };

/** One test: a sentence with the law that it cites. */
export interface Case {
  /** Names it in a harness's exceptions. */
  readonly id: string;
  readonly sentence: string;
  readonly needs?: readonly Need[];
  run(bench: Bench): Promise<void>;
}

/** The names of what is missing for a test. */
function missing(harness: Harness, needs: readonly Need[] = []): readonly string[] {
  const { abilities, capabilities } = harness.connector.describe();
  return needs.flatMap((need) => {
    if ('ability' in need) return abilities.includes(need.ability) ? [] : [need.ability];
    if ('capability' in need) return capabilities[need.capability] === 'native' ? [] : [need.capability];
    if ('here' in need) return harness.lacks?.includes(need.here) === true ? [`harness: ${need.here}`] : [];
    if ('act' in need) return harness.acts.includes(need.act) ? [] : [`harness: ${need.act}`];
    if ('without' in need) return harness.acts.includes(need.without) ? [`the lack of ${need.without}`] : [];
    if ('consents' in need) return harness.consents ? [] : ['harness: consents'];
    if ('judges' in need) return harness.connector.assess ? [] : ['assess'];
    return harness.timing?.[need.timing] === undefined ? [`harness: ${need.timing}`] : [];
  });
}

/** The title of a test: with what is missing, or the reason why it need not pass. */
export function titleOf(harness: Harness, one: Case): { readonly title: string; readonly skipped: boolean } {
  const lacks = missing(harness, one.needs);
  if (lacks.length > 0)
    return { title: `${one.sentence} (not declared: ${lacks.join(', ')})`, skipped: true };
  const reason = harness.exceptions?.[one.id];
  if (reason !== undefined) return { title: `${one.sentence} (exception: ${reason})`, skipped: true };
  return { title: one.sentence, skipped: false };
}
