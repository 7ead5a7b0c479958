export { sipHarness, type SipServerUp } from './harness.js';
export { kamailioUp } from './kamailio.js';
export { rigServer, sandboxUp } from './sandbox.js';
export { trunkHarness } from './trunk-harness.js';
export { brisk, Rigs, type Rig, type RigOptions, type RigServer } from './rigs.js';
