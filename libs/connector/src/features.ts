/*
 * What a connector does, told to people: one row of its two-way feature table in docs/networks. Declared beside the code,
 * rendered and held against `describe()` by the kit (testing/feature-table.ts), so that the page cannot promise what is
 * not there.
 */
import type { CapabilityLevel, CapabilityName } from '#model';
import type { AbilityName } from './abilities.js';

/** How a feature fares in one direction. `'-'`: there is nothing to be done in it. */
export type FeatureWay = '-' | { readonly level: CapabilityLevel; readonly how?: string };

export interface Feature<Prover extends string = string> {
  readonly feature: string;
  /** From us to the network. */
  readonly out: FeatureWay;
  /** From the network to us. */
  readonly in: FeatureWay;
  /** What the network must offer for it, in its own words; each with what is done instead, if it differs. */
  readonly needs?: readonly string[];
  /** What it is to the house: the better of both ways must be what the connector declares. */
  readonly capability?: CapabilityName;
  readonly abilities?: readonly AbilityName[];
  /** Kinds of request by which it is asked for. */
  readonly requests?: readonly string[];
  /** What it was seen to work on. */
  readonly provedOn: readonly Prover[];
}

/** As the network means it. */
export function native(how?: string): FeatureWay {
  return way('native', how);
}

/** By something that stands for it. */
export function fallback(how?: string): FeatureWay {
  return way('fallback', how);
}

export const notCarried: FeatureWay = { level: 'none' };

function way(level: CapabilityLevel, how: string | undefined): FeatureWay {
  return { level, ...(how !== undefined && { how }) };
}
