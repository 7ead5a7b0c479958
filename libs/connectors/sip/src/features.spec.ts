/* The page's table says what the connector does. */
import { fileURLToPath } from 'node:url';
import { describeFeatures } from '#connector/testing';
import { features, provers } from './features.js';
import { createSip } from './index.js';

describeFeatures({
  connector: createSip(),
  features,
  provers,
  page: fileURLToPath(new URL('../../../../docs/networks/sip.md', import.meta.url)),
  settings: { address: 'alice@example.org' },
});
