/**
 * What an address promises. `stable`: the same somebody for ever (a JID, a services account). `transient`: whoever
 * holds it now (a nick). `reassignable`: held for long, then given to another (a phone number).
 */
export type AddressKind = 'stable' | 'transient' | 'reassignable';

/** A network's own name for somebody or somewhere, normalised by its connector. Opaque to everybody else. */
export interface Address {
  readonly value: string;
  readonly kind: AddressKind;
}
