/* A trunk under the house's own suite, joined to an exchange that is not ours, with plain phones on it. */
import { describeConnector } from '#connector/testing';
import { trunkHarness } from '#connectors/sip/testing';

describeConnector('sip on a trunk', trunkHarness());
