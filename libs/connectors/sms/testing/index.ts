export { describeDriver, type DriverHarness } from './driver-suite.js';
export { FakeProvider, type Asked } from './fake-provider.js';
export { ProviderRig } from './provider-rig.js';
export { ownNumber, Rig, type Centre, type RigOptions } from './rig.js';
export { smsHarness, type MessageCentre } from './harness.js';
export { sandboxCentre } from './sandbox-centre.js';
