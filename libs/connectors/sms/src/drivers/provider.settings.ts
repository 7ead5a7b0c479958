/* What settings of providers over HTTP have in common. */
import type { JsonObject } from '#connector';
import { tlsProperties } from '#connector/session';

/** JSON Schema of a rate that a person sets; the same for every provider. */
export const perSecondProperty: JsonObject = {
  type: 'number',
  title: 'Texts a second',
  description: 'The most that leave in a second; the provider’s own limit counts where nothing is said.',
  exclusiveMinimum: 0,
  maximum: 10_000,
};

/** JSON Schema of whom to trust, for providers that people run themselves. */
export function ownTrust(): JsonObject {
  const { caCertificate, certificateFingerprint } = tlsProperties('');
  return {
    ...(caCertificate !== undefined && { caCertificate }),
    ...(certificateFingerprint !== undefined && { certificateFingerprint }),
  };
}
