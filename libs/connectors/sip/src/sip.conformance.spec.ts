/* The connector under the house's own suite, on the sandbox's server with its residents. */
import { describeConnector } from '#connector/testing';
import { sandboxUp, sipHarness } from '#connectors/sip/testing';

describeConnector('sip on the sandbox', sipHarness(sandboxUp));
