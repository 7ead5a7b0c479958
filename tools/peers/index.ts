export {
  binaryOf,
  describeWithPeers,
  eventually,
  freePort,
  run,
  scratchDirectory,
  type Peer,
  type RunningProcess,
} from './peer.js';
