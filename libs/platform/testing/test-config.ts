import { readConfig, type Config } from '#platform';

/** A configuration for a test: any free port, and its own data directory. */
export function testConfig(dataDir: string, env: Readonly<Record<string, string>> = {}): Config {
  return readConfig({ PARLEY_PORT: '0', PARLEY_DATA_DIR: dataDir, ...env });
}
