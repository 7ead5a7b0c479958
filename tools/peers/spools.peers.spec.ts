import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { gammuPeers, startGammu } from './gammu.js';
import { describeWithPeers, eventually, scratchDirectory } from './peer.js';
import { smstoolsPeers, startSmstools } from './smstools.js';

const alice = '+12025550123';

describeWithPeers('gammu-smsd, as tests use it', gammuPeers, () => {
  it('sends what lies in its outbox, and writes what arrives into its inbox', async () => {
    using directory = scratchDirectory('spool');
    await using gammu = await startGammu(directory.path);
    const names = (box: string): Promise<string[]> => readdir(join(directory.path, box));
    await writeFile(join(directory.path, 'outbox', `OUTC20260101_000000_00_${alice}_x.txt`), 'hello');
    await eventually('it was sent', async () => (await names('sent')).length === 1);
    await gammu.receive(alice, '日本語 👩‍👩‍👧‍👦 '.repeat(10));
    const parts = await eventually('three parts arrived', async () => {
      const found = await names('inbox');
      return found.length === 3 && found;
    });
    expect(parts.every((name) => name.includes(`_${alice}_0`))).toBe(true);
  });
});

describeWithPeers('smstools, as tests use it', smstoolsPeers, () => {
  it('sends what lies in its outgoing directory, and writes what arrives into others', async () => {
    using directory = scratchDirectory('spool');
    await using smsd = await startSmstools(directory.path);
    const files = async (box: string): Promise<string[]> => {
      const names = await readdir(join(directory.path, box));
      return Promise.all(names.map((name) => readFile(join(directory.path, box, name), 'latin1')));
    };
    await writeFile(join(directory.path, 'outgoing', 'one'), 'To: 12025550123\nReport: yes\n\nhello {you} €');
    const [sent] = await eventually('it was sent', () => smsd.modem.sent.length === 1 && smsd.modem.sent);
    expect(sent).toMatchObject({ to: alice, text: 'hello {you} €', wide: false, wantsReport: true });
    smsd.modem.receive(alice, 'words '.repeat(30));
    smsd.modem.confirm(alice, sent?.reference ?? -1, 0);
    const [report] = await eventually('the report came', async () => {
      const found = await files('report');
      return found.length === 1 && found;
    });
    expect(report).toMatch(/^Message_id: 0$/m);
    await eventually('the text came', async () => (await files('incoming')).length === 1);
    smsd.modem.works = false;
    await smsd.restart();
    await writeFile(join(directory.path, 'outgoing', 'two'), 'To: 12025550123\n\nhello');
    await eventually('it failed', async () => (await files('failed')).length === 1);
  });
});
