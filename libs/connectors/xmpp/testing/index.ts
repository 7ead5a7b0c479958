export { xmppHarness, type XmppServerUp } from './harness.js';
export { Rigs, type Rig, type RigOptions } from './rigs.js';
