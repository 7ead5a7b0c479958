export { ownNumber, Rig, type Centre, type RigOptions } from './rig.js';
