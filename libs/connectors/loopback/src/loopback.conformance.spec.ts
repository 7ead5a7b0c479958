import { describeConnector } from '#connector/testing';
import { loopbackHarness } from './loopback.harness.js';

describeConnector('loopback', loopbackHarness());
describeConnector(
  'loopback in small parts, with checkpoints',
  loopbackHarness({ checkpoints: true, maxTextBytes: 64 }),
);
