import { expect, it } from '@jest/globals';
import { wireIdOf } from '#connector';
import { until } from '#connector/testing';
import { newId } from '#model';
import { describeWithPeers, gammuPeers, smstoolsPeers, startGammu, startSmstools } from '#peers';
import { alice, bob, SpoolRig } from './spool.fixture.js';

const family = 'Family 👩‍👩‍👧‍👦, 日本語 and more. '.repeat(8);
const plain = 'Braces {in} €2 [and] ~tildes~, à la carte @ home. '.repeat(8);
const patience = 20_000;

describeWithPeers('A modem under gammu-smsd', gammuPeers, () => {
  it('sends texts of every kind, tells that they left, and hears long ones whole', async () => {
    await using rig = await SpoolRig.make('gammu');
    await using gammu = await startGammu(rig.path);
    await rig.open();
    const envelope = newId<'EnvelopeId'>();
    expect(await rig.send(plain, { envelope })).toEqual({ outcome: 'pending', parts: 1 });
    await rig.send(family);
    await rig.send('hello', { to: '12345' });
    expect(await rig.states(3, patience)).toEqual(['sent', 'sent', 'sent']);
    expect(rig.reported[0]?.about).toEqual({ wireId: wireIdOf(envelope, 0) });
    const said = gammu.output();
    expect(said).toContain('to "12345" with text "hello"');
    expect(said).toMatch(/Transmitted OUTC\d{8}_\d{6}_[0-9a-f]{32}-0_\+12025550123_p\.txt \(total: 3\)/);
    await until('what was sent is taken away', async () => (await rig.names('sent')).length === 0);
    await gammu.receive(bob, family);
    await gammu.receive('ACME', 'Your code is 1234.');
    const heard = await rig.texts(2, patience);
    expect(heard.toSorted()).toEqual([family, 'Your code is 1234.'].toSorted());
    expect(rig.heard.map(({ from }) => from).toSorted()).toEqual([bob, 'ACME']);
    await until('what was heard is taken away', async () => (await rig.names('inbox')).length === 0);
  });
});

describeWithPeers('A modem under smstools', smstoolsPeers, () => {
  it('sends every character there is, and tells what the network reports of each text', async () => {
    await using rig = await SpoolRig.make('smstools');
    await using smsd = await startSmstools(rig.path);
    await rig.open();
    expect(await rig.send(family)).toEqual({ outcome: 'pending', parts: 5 });
    const { sent } = smsd.modem;
    await until('its parts are sent', () => sent.length === 5, patience);
    const textOf = (wide: boolean) =>
      sent
        .filter((part) => part.wide === wide && part.udh.length === 6)
        .toSorted((one, other) => one.udh.readUInt8(5) - other.udh.readUInt8(5))
        .map(({ text }) => text)
        .join('');
    expect(textOf(true)).toBe(family);
    await rig.send(plain);
    await until('its parts are sent', () => sent.length === 8, patience);
    expect(textOf(false)).toBe(plain);
    await rig.send('to a short code', { to: '12345' });
    await until('it is sent', () => sent.at(-1)?.to === '12345', patience);
    expect(await rig.states(9, patience)).toEqual(Array(9).fill('sent'));
    smsd.modem.confirm('12345', sent.at(-1)?.reference ?? -1, 0x46);
    smsd.modem.confirm(alice, sent[0]?.reference ?? -1, 0);
    expect((await rig.states(11, patience)).slice(9).toSorted()).toEqual(['delivered', 'failed']);
    const about = (state: string) => rig.reported.find((one) => one.state === state)?.about;
    expect(about('failed')).toEqual(about('sent') && rig.reported[8]?.about);
    await until('what was reported is taken away', async () => (await rig.names('sent')).length === 7);
  });

  it('hears texts whole, or in parts where it is told not to combine them, and tells what could not be sent', async () => {
    await using rig = await SpoolRig.make('smstools');
    await using smsd = await startSmstools(rig.path, ['internal_combine = no']);
    await rig.open();
    smsd.modem.receive(bob, family);
    smsd.modem.receive(bob, 'hello €');
    await rig.texts(6, patience);
    const parts = rig.heard.flatMap(({ body }) => ('part' in body ? [body.part] : []));
    const inOrder = parts.toSorted((one, other) => one.number - other.number);
    const joined = inOrder.map(({ bytes }) => Buffer.from(bytes).swap16().toString('utf16le')).join('');
    expect([joined, inOrder[0]?.of]).toEqual([family, 5]);
    expect(rig.heard.map(({ from }) => from)).toEqual(Array(6).fill(bob));
    smsd.modem.works = false;
    await rig.send('never');
    expect(await rig.states(1, patience)).toEqual(['failed']);
    await until('nothing is left', async () => (await rig.names('failed')).length === 0);
  });
});
