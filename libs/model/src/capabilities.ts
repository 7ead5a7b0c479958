/** How well something is carried: as the network means it, by a declared fallback, or not at all. */
export type CapabilityLevel = 'native' | 'fallback' | 'none';

export const capabilityNames = [
  'direct',
  'rooms',
  'emote',
  'formatting',
  'replies',
  'edits',
  'retractions',
  'reactions',
  'files',
  'typing',
  'receipts',
  'read-receipts',
  'read-marks',
  'presence',
  'roster',
  'history',
  'topics',
  'blocking',
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

/** What can be done in one conversation (or on an account as a whole) here and now. What is not named is `none`. */
export type Capabilities = Readonly<Partial<Record<CapabilityName, CapabilityLevel>>> & {
  /** Longest text of one part, in bytes on the wire, where the network limits it. */
  readonly maxTextBytes?: number;
};

/** The level of one capability; `none` where nothing is said. */
export function levelOf(capabilities: Capabilities, name: CapabilityName): CapabilityLevel {
  return capabilities[name] ?? 'none';
}
