export { describeParity, type StartPool } from './parity.js';
