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

/** What may be required of us (§20.32): that a session is refreshed (RFC 4028) costs nothing, for no call is taken here. */
export const options: readonly string[] = ['timer'];
