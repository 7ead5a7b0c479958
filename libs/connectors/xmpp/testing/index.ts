export { componentHarness } from './component-harness.js';
export { xmppHarness, type XmppServerUp } from './harness.js';
export { beforeCorpus, corpus } from './corpus.js';
export { HostileStanzas, seeded } from './hostile-stanzas.js';
export { Rigs, type Rig, type RigOptions } from './rigs.js';
export {
  envelopeTo,
  gapsOf,
  inTime,
  Past,
  sayAll,
  series,
  textsOf,
  untilStored,
  type ArchivingServer,
  type PastRig,
  type Somebody,
} from './archives.js';
