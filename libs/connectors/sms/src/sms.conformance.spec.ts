/* The connector under the house's own suite, on the sandbox's message centre: no peer needed. */
import { describeConnector } from '#connector/testing';
import { sandboxCentre, smsHarness } from '#connectors/sms/testing';

describeConnector('sms on the sandbox', smsHarness(sandboxCentre));
