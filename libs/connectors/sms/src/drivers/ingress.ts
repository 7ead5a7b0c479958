import { mostItemBytes, type Ingress, type IngressOutcome, type RawRequest } from '#connector';
import type { SmsSettings } from '../sms.settings.js';
import { kannelIngress } from './kannel-ingress.js';
import { refused } from './provider-ingress.js';
import { twilioIngress } from './twilio-ingress.js';
import { webhookIngress } from './webhook-ingress.js';

/** Verifies and reads what a provider calls with, as the settings say who that is. Pure; never throws. */
export function ingress(request: RawRequest, to: Ingress, settings: SmsSettings): IngressOutcome {
  const outcome = read(request, to, settings);
  if (outcome.outcome === 'refused') return outcome;
  const isLarge = outcome.items.some(({ item }) => Buffer.byteLength(JSON.stringify(item)) > mostItemBytes);
  return isLarge ? refused(413) : outcome;
}

function read(request: RawRequest, to: Ingress, { driver, webhook }: SmsSettings): IngressOutcome {
  switch (driver) {
    case 'twilio':
      return twilioIngress(request, to);
    case 'webhook':
      return webhookIngress(request, to, webhook);
    case 'kannel':
      return kannelIngress(request);
    case 'smpp':
    case 'spool':
      return refused(404);
  }
}
