/** Type of number (SMPP 3.4 §5.2.5). */
export const ton = {
  unknown: 0,
  international: 1,
  national: 2,
  networkSpecific: 3,
  subscriber: 4,
  alphanumeric: 5,
  abbreviated: 6,
} as const;

/** Numbering plan indicator (§5.2.6). */
export const npi = {
  unknown: 0,
  isdn: 1,
  data: 3,
  telex: 4,
  landMobile: 6,
  national: 8,
  private: 9,
  ermes: 10,
  internet: 14,
  wap: 18,
} as const;

/** esm_class (§5.2.12). */
export const esmClass = {
  default: 0x00,
  datagram: 0x01,
  forward: 0x02,
  storeAndForward: 0x03,
  deliveryReceipt: 0x04,
  deliveryAcknowledgement: 0x08,
  userAcknowledgement: 0x10,
  conversationAbort: 0x18,
  intermediateNotification: 0x20,
  /** The message begins with a user data header. */
  udhi: 0x40,
  replyPath: 0x80,
} as const;

/** What a deliver_sm or data_sm from an SMSC is, by bits 5 to 2 of its esm_class. */
export function messageType(
  value: number,
):
  'message' | 'receipt' | 'acknowledgement' | 'user-acknowledgement' | 'abort' | 'intermediate' | 'reserved' {
  switch (value & 0x3c) {
    case 0:
      return 'message';
    case esmClass.deliveryReceipt:
      return 'receipt';
    case esmClass.deliveryAcknowledgement:
      return 'acknowledgement';
    case esmClass.userAcknowledgement:
      return 'user-acknowledgement';
    case esmClass.conversationAbort:
      return 'abort';
    case esmClass.intermediateNotification:
      return 'intermediate';
    default:
      return 'reserved';
  }
}

/** Whether the message begins with a user data header. */
export function hasUdh(value: number): boolean {
  return (value & esmClass.udhi) !== 0;
}

/** registered_delivery (§5.2.17): bits to join with `|`. */
export const registeredDelivery = {
  none: 0x00,
  /** A receipt of the final outcome, whatever it is. */
  final: 0x01,
  /** A receipt only where it failed. */
  failure: 0x02,
  deliveryAcknowledgement: 0x04,
  userAcknowledgement: 0x08,
  intermediate: 0x10,
} as const;

/** data_coding (§5.2.19), the plain ones; 0xC0 and above are coding groups of GSM 03.38. */
export const dataCoding = {
  /** The SMSC's own, in practice mostly GSM 03.38 unpacked. */
  smscDefault: 0x00,
  ia5: 0x01,
  octets: 0x02,
  latin1: 0x03,
  octets8: 0x04,
  jis: 0x05,
  cyrillic: 0x06,
  hebrew: 0x07,
  ucs2: 0x08,
  pictogram: 0x09,
  iso2022Jp: 0x0a,
  kanji: 0x0d,
  ksC5601: 0x0e,
} as const;
