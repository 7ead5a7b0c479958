/** What of one message is read at the most; what is over it is a fault, never more memory or time. */
export interface Limits {
  /** Octets of the start line. */
  readonly startLine: number;
  /** Octets of one header field with its continuation lines. */
  readonly field: number;
  /** Number of header fields. */
  readonly fields: number;
  /** Octets of the start line and all header fields. */
  readonly header: number;
  /** Octets of the body. */
  readonly body: number;
}

/** Far above what phones and servers write, far below what hurts. */
export const usualLimits: Limits = {
  startLine: 8_192,
  field: 16_384,
  fields: 256,
  header: 65_536,
  body: 1_048_576,
};
