/*
 * gammu-smsd on directories of its own, with gammu's dummy phone, which is a directory too. It reads what programs put
 * into `outbox`, and writes what phones sent into `inbox`.
 */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryOf, eventually, run, scratchDirectory, type Peer, type RunningProcess } from './peer.js';

/** What must be installed for `startGammu`. */
export const gammuPeers: readonly Peer[] = [
  { name: 'gammu-smsd', package: 'gammu-smsd', binaries: ['/usr/bin/gammu-smsd'] },
  { name: 'gammu', package: 'gammu', binaries: ['/usr/bin/gammu'] },
];

export interface Gammu extends AsyncDisposable {
  /** A text arrives at the phone; smsd finds it there within a second or two. */
  receive(from: string, text: string): Promise<void>;
  /** What smsd has said of its doings: what was sent is told here alone. */
  output(): string;
}

/** Starts one on a directory, where it makes `inbox`, `outbox`, `sent` and `error`. */
export async function startGammu(directory: string): Promise<Gammu> {
  const scratch = scratchDirectory('gammu');
  const names = ['inbox', 'outbox', 'sent', 'error'];
  for (const name of names) await mkdir(join(directory, name), { recursive: true });
  const [phone, aside] = [join(scratch.path, 'phone'), join(scratch.path, 'aside')];
  // Folder 1 is the inbox.
  for (const device of [phone, aside]) await mkdir(join(device, 'sms', '1'), { recursive: true });
  const configure = async (name: string, device: string): Promise<string> => {
    const file = join(scratch.path, name);
    await writeFile(
      file,
      [
        ...['[gammu]', 'model = dummy', 'connection = none', `device = ${device}`],
        ...['[smsd]', 'service = files', 'logfile = stderr', 'debuglevel = 255'],
        ...['inbox', 'outbox'].map((path) => `${path}path = ${join(directory, path)}/`),
        `sentsmspath = ${join(directory, 'sent')}/`,
        `errorsmspath = ${join(directory, 'error')}/`,
        ...['inboxformat = unicode', 'transmitformat = auto', 'deliveryreport = log'],
        ...['commtimeout = 1', 'receivefrequency = 1', 'statusfrequency = 0', 'loopsleep = 1'],
        ...['security', 'battery', 'signal', 'network'].map((what) => `check${what} = 0`),
        '',
      ].join('\n'),
    );
    return file;
  };
  const smsdrc = await configure('smsdrc', phone);
  const asiderc = await configure('asiderc', aside);
  let smsd: RunningProcess | undefined = run('/usr/bin/gammu-smsd', ['-c', smsdrc], { cwd: scratch.path });
  const end = async (): Promise<void> => {
    await smsd?.[Symbol.asyncDispose]();
    smsd = undefined;
    scratch[Symbol.dispose]();
  };
  try {
    await eventually('gammu-smsd uses its phone', () => smsd?.output().includes('GSM_GetSMSStatus'));
  } catch (error) {
    await end();
    throw error;
  }
  return {
    output: () => smsd?.output() ?? '',
    async receive(sender, text) {
      // Written elsewhere and moved, for smsd may look at any moment.
      const saved = ['savesms', 'TEXT', '-folder', '1', '-unread', '-sender', sender, '-textutf8', text];
      const gammu = run(
        binaryOf(gammuPeers[1] as Peer) ?? 'gammu',
        ['-c', asiderc, ...saved, '-autolen', '1000'],
        {
          env: { ...process.env, LANG: 'C.UTF-8' },
        },
      );
      await eventually('gammu saved it', () => gammu.child.exitCode !== null);
      if (gammu.child.exitCode !== 0) throw new Error(gammu.output());
      const [from, to] = [aside, phone].map((device) => join(device, 'sms', '1')) as [string, string];
      for (const name of (await readdir(from)).toSorted((one, other) => Number(one) - Number(other))) {
        const taken = (await readdir(to)).map(Number);
        await rename(join(from, name), join(to, String(Math.max(0, ...taken) + 1)));
      }
    },
    [Symbol.asyncDispose]: end,
  };
}
