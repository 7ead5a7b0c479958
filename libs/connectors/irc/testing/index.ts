export { onlineLines, registeringLines } from './corpus.js';
export { ircHarness, type IrcServerUp } from './harness.js';
export { HostileLines, seeded } from './hostile-lines.js';
export { Rigs, type Rig, type RigOptions } from './rigs.js';
