export { describeParity } from './parity.js';
