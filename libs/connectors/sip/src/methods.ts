import type { StackOptions } from '#protocols/sip';

/** What we take (RFC 3261 §20.5). */
export const methods: readonly string[] = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
];

/** What a stack of ours hands up. */
export const expected = {
  methods,
  // May be required of us (§20.32): that a session is refreshed (RFC 4028) costs nothing, for no call is taken here.
  options: ['timer'],
} satisfies StackOptions['expected'];
