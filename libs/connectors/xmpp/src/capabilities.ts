import type { Capabilities } from '#model';

/** The most that a session may offer. */
export const capabilities: Capabilities = { direct: 'native', presence: 'native', roster: 'native' };
