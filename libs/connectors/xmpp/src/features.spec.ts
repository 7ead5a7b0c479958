/* The page's table says what the connector does. */
import { fileURLToPath } from 'node:url';
import { describeFeatures } from '#connector/testing';
import { features, provers } from './features.js';
import { xmpp } from './index.js';

describeFeatures({
  connector: xmpp,
  features,
  provers,
  page: fileURLToPath(new URL('../../../../docs/networks/xmpp.md', import.meta.url)),
  settings: { jid: 'alice@example.org' },
});
