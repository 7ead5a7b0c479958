/*
 * smstools' smsd on directories of its own, with a modem that it reaches over TCP (at-modem.ts). It reads what programs
 * put into `outgoing`, and writes what phones sent into `incoming`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtModem } from './at-modem.js';
import { eventually, run, scratchDirectory, type Peer, type RunningProcess } from './peer.js';

/** What must be installed for `startSmstools`. */
export const smstoolsPeers: readonly Peer[] = [
  { name: 'smstools', package: 'smstools', binaries: ['/usr/sbin/smsd'] },
];

export interface Smstools extends AsyncDisposable {
  readonly modem: AtModem;
  /** Ends it and starts it again; what lies in its directories stays. */
  restart(): Promise<void>;
  output(): string;
}

/**
 * Starts one on a directory, where it makes `outgoing`, `checked`, `incoming`, `report`, `sent` and `failed`.
 * @param extra further lines of its settings, such as `incoming_utf8 = yes`.
 */
export async function startSmstools(directory: string, extra: readonly string[] = []): Promise<Smstools> {
  const names = ['outgoing', 'checked', 'incoming', 'report', 'sent', 'failed'];
  for (const name of names) await mkdir(join(directory, name), { recursive: true });
  const scratch = scratchDirectory('smstools');
  const modem = await AtModem.start();
  const file = join(scratch.path, 'smsd.conf');
  await writeFile(
    file,
    [
      'devices = MODEM',
      ...names.map((name) => `${name} = ${join(directory, name)}`),
      ...['logfile', 'infofile', 'pidfile'].map((name) => `${name} = ${join(scratch.path, name)}`),
      ...['delaytime = 1', 'delaytime_mainprocess = 1', 'errorsleeptime = 1', 'blocktime = 1'],
      ...['receive_before_send = no', 'autosplit = 3', ...extra],
      '[MODEM]',
      `device = @127.0.0.1:${String(modem.port)}`,
      ...['incoming = yes', 'report = yes', 'send_retries = 1', ''],
    ].join('\n'),
  );
  let running: RunningProcess | undefined;
  const stop = async (): Promise<void> => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  const start = async (): Promise<void> => {
    running = run('/usr/sbin/smsd', ['-c', file, '-t'], { cwd: scratch.path });
    await eventually('smsd uses its modem', () => modem.served > served);
  };
  let served = 0;
  const end = async (): Promise<void> => {
    await stop();
    await modem[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  };
  try {
    await start();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    modem,
    async restart() {
      await stop();
      served = modem.served;
      await start();
    },
    output: () => running?.output() ?? '',
    [Symbol.asyncDispose]: end,
  };
}
