import type { Driver, DriverParts } from '../driver.js';
import { KannelDriver } from './kannel.js';
import { SmppDriver } from './smpp.js';
import { SpoolDriver } from './spool.js';
import { TwilioDriver } from './twilio.js';
import { WebhookDriver } from './webhook.js';

/** The driver that the settings ask for. */
export function driverOf(parts: DriverParts): Driver {
  switch (parts.settings.driver) {
    case 'smpp':
      return new SmppDriver(parts);
    case 'spool':
      return new SpoolDriver(parts);
    case 'twilio':
      return new TwilioDriver(parts);
    case 'webhook':
      return new WebhookDriver(parts);
    case 'kannel':
      return new KannelDriver(parts);
  }
}
