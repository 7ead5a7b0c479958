/* The page's table says what the connector does. */
import { fileURLToPath } from 'node:url';
import { describeFeatures } from '#connector/testing';
import { features, provers } from './features.js';
import { createSms } from './index.js';

describeFeatures({
  connector: createSms(),
  features,
  provers,
  page: fileURLToPath(new URL('../../../../docs/networks/sms.md', import.meta.url)),
  settings: {
    driver: 'smpp',
    numbers: ['+12025550100'],
    smpp: { host: 'smsc.example.org', systemId: 'parley' },
  },
});
