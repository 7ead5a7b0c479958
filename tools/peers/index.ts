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
export { postgresPeer, startPostgres, type PostgresOptions, type RunningPostgres } from './postgres.js';
export { redisPeer, startRedis, type RunningRedis } from './redis.js';
