/* The page's table says what the connector does. */
import { fileURLToPath } from 'node:url';
import { describeFeatures } from '#connector/testing';
import { wantedCapabilities } from './capabilities.js';
import { features, provers } from './features.js';
import { irc } from './index.js';

describeFeatures({
  connector: irc,
  features,
  provers,
  note: `IRCv3 asked for where it is offered: ${['sasl', ...wantedCapabilities]
    .sort()
    .map((one) => `\`${one}\``)
    .join(', ')}.`,
  page: fileURLToPath(new URL('../../../../docs/networks/irc.md', import.meta.url)),
  settings: { host: 'irc.example.org', nick: 'alice' },
});
