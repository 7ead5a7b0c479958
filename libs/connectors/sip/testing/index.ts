export { brisk, Rigs, type Rig, type RigOptions, type RigServer } from './rigs.js';
