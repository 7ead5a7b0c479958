import type { bodies, CommandName } from './commands.js';
import type { Field } from './fields.js';
import type { RawTlv, Tlvs } from './tlvs.js';

/** What every PDU bears (SMPP 3.4 §3.2), its length aside. */
export interface Envelope<C extends CommandName> {
  readonly command: C;
  /** command_status: 0 in requests, the outcome in answers. See `statuses`. */
  readonly status: number;
  /** 1 to 0x7fffffff; 0 in a generic_nack to what could not be read. */
  readonly sequence: number;
  readonly tlvs: Tlvs;
  /** What SMPP 3.4 does not know, in its order. */
  readonly otherTlvs: readonly RawTlv[];
}

/** The fields of a body, named as the standard names them. */
export type BodyOf<C extends CommandName> = {
  readonly [K in keyof (typeof bodies)[C]]: (typeof bodies)[C][K] extends Field<infer T> ? T : never;
};

/** A PDU, or one of the named ones: `Pdu<'submit_sm'>`. */
export type Pdu<C extends CommandName = CommandName> = { [K in C]: Envelope<K> & BodyOf<K> }[C];

/** What is written: a command, and all that is not empty. */
export type PduInput<C extends CommandName = CommandName> = {
  [K in C]: { readonly command: K } & Partial<Omit<Envelope<K>, 'command'>> & Partial<BodyOf<K>>;
}[C];

/** Requests that are answered. */
export type RequestName = Exclude<
  CommandName,
  `${string}_resp` | 'generic_nack' | 'outbind' | 'alert_notification'
>;

/** A request that is answered, one of the named ones: `Request<'deliver_sm'>`. */
export type Request<C extends RequestName = RequestName> = Pdu<C>;

export type ResponseName<C extends RequestName = RequestName> = `${C}_resp`;

/** What comes back for a request: its answer, whose `status` tells how it went, or a generic_nack. */
export type Answer<C extends RequestName = RequestName> = Pdu<ResponseName<C>> | Pdu<'generic_nack'>;
