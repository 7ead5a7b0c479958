/* What the sandbox's message centre can be told to be. Absent means a well-behaved one that lets everybody in. */

/** What becomes of a message, by the number that it goes to. */
export type Fate =
  | 'delivered'
  | 'undeliverable'
  | 'expired'
  /** The submit is answered with ESME_RINVDSTADR. */
  | 'refused'
  /** It arrives, and nobody ever says so. */
  | 'silent';

/**
 * How one message is called: the same in decimal everywhere, the same in hexadecimal, in hexadecimal by the answer and in
 * decimal with zeros in front by the receipt, the other way round, or a UUID.
 */
export type IdStyle = 'decimal' | 'hex' | 'hex-decimal' | 'decimal-hex' | 'uuid';

export interface SandboxSmsOptions {
  /** A loopback port; any free one unless said otherwise. */
  readonly port?: number;
  /** With it TLS is spoken from the first octet on. PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Who may bind; anybody unless said otherwise. */
  readonly accounts?: readonly { readonly systemId: string; readonly password: string }[];
  /** The phones that are on from the start; two unless said otherwise, alice's and bob's. */
  readonly phones?: readonly string[];
  readonly ids?: IdStyle;
  /** Where a receipt says what it says: in its text, in optional parameters, or in both; the text unless said otherwise. */
  readonly receipts?: 'text' | 'tlv' | 'both';
  /** Milliseconds from the answer to the receipt; 0 unless said otherwise. */
  readonly receiptAfterMs?: number;
  /** By the end of the number; the longest that fits counts. `usualFates` unless said otherwise. */
  readonly fates?: Readonly<Record<string, Fate>>;
  /** After so long what was not taken is delivered again; milliseconds, 200 unless said otherwise. */
  readonly retryMs?: number;
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number;
}

export const alicesPhone = '+12025550111';
export const bobsPhone = '+12025550122';

/** Numbers that end so have a fate of their own. */
export const usualFates: Readonly<Record<string, Fate>> = {
  '0196': 'silent',
  '0197': 'expired',
  '0198': 'refused',
  '0199': 'undeliverable',
};

/** What the message centre does wrong from now on, on purpose. */
export interface SmsMischief {
  /** The receipt is delivered before the submit is answered. */
  readonly receiptsFirst?: boolean;
  /** More submits a second than this are answered with ESME_RTHROTTLED. */
  readonly perSecond?: number;
  /** Each submit is answered with this status, and nothing is taken. */
  readonly refuseSubmits?: number;
  /** Each bind is answered with this status. */
  readonly refuseBinds?: number;
  /** Submits are taken, and never answered. */
  readonly stallAnswers?: boolean;
  /** So many submits are taken and answered; the next one is taken, and the link cut in place of its answer. */
  readonly cutAfter?: number;
  /** Each delivery is made twice. */
  readonly doubleDeliveries?: boolean;
  /** Parts of a long message are delivered last first. */
  readonly partsBackwards?: boolean;
  /** Receipts are not delivered until this is over. */
  readonly holdReceipts?: boolean;
}
