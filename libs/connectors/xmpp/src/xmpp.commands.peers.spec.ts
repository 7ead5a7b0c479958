/* What services offer to do (XEP-0050), on real servers: their own commands, and those of a robot with two stages. */
import { beforeAll, expect, it } from '@jest/globals';
import { can, type JsonObject, type RequestOutcome } from '#connector';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { child, describeXmpp, textOf, type PlainXmpp, type Tree } from '#peers';

describeXmpp('commands on %s', (scene) => {
  let robot: PlainXmpp;
  let rig: Rig;

  beforeAll(async () => {
    robot = await scene.visit('robot', { answers: answerOf });
    rig = await scene.use(new Rigs()).begin({ server: scene.server });
    await rig.until('online');
  });

  const ask = async (kind: string, options: JsonObject): Promise<RequestOutcome> => {
    const { session, account } = rig;
    if (!can(session, 'takes-requests')) throw new Error('it takes no requests');
    return session.request(account, { kind, options }, AbortSignal.timeout(10_000));
  };

  it('are listed, of our own server where nobody is named', async () => {
    expect(await ask('commands', {})).toMatchObject({
      outcome: 'done',
      answer: { who: scene.server.names.domain },
    });
    expect(await ask('commands', { who: robot.jid })).toEqual({
      outcome: 'done',
      answer: { who: robot.jid, commands: [{ who: robot.jid, node: 'order', name: 'Order a cake' }] },
    });
  });

  it('go from stage to stage, with what the service proposed for what was left out', async () => {
    const begun = await ask('command', { who: robot.jid, node: 'order' });
    expect(begun).toMatchObject({
      outcome: 'done',
      answer: {
        status: 'executing',
        session: 'one',
        actions: ['complete', 'cancel'],
        form: {
          title: 'Which cake?',
          fields: [
            { name: 'kind', value: 'apple', options: [{ value: 'apple' }, { value: 'plum' }] },
            { name: 'pieces', value: '12' },
          ],
        },
      },
    });
    const wrong = { who: robot.jid, node: 'order', session: 'one', values: { colour: 'red' } };
    expect(await ask('command', wrong)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'unsupported' },
    });
    const values = { kind: 'plum' };
    const whole = { who: robot.jid, node: 'order', session: 'one', action: 'complete', values };
    expect(await ask('command', whole)).toMatchObject({
      outcome: 'done',
      answer: { status: 'completed', notes: [{ type: 'info', text: 'plum, 12' }] },
    });
  });

  it('are refused as the service refuses them', async () => {
    expect(await ask('command', { who: robot.jid, node: 'nonsense' })).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-found' },
    });
    expect(await ask('command', { who: robot.jid })).toMatchObject({ outcome: 'refused' });
  });
});

const commands = 'http://jabber.org/protocol/commands';
const form = `<x xmlns="jabber:x:data" type="form"><title>Which cake?</title>
  <field var="kind" type="list-single"><value>apple</value><option><value>apple</value></option><option><value>plum</value></option></field>
  <field var="pieces" type="text-single"><required/><value>12</value></field></x>`.replaceAll(/>\s+</g, '><');

/** What the robot answers; undefined where it does not know. */
function answerOf(
  question: Tree,
): { readonly type: 'result' | 'error'; readonly inside: string } | undefined {
  if (child(question, 'query')?.attrs['node'] === commands) {
    const item = `<item jid="${question.attrs['to'] ?? ''}" node="order" name="Order a cake"/>`;
    const inside = `<query xmlns="http://jabber.org/protocol/disco#items" node="${commands}">${item}</query>`;
    return { type: 'result', inside };
  }
  const command = child(question, 'command');
  if (command === undefined) return undefined;
  if (command.attrs['node'] !== 'order') {
    const inside =
      '<error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>';
    return { type: 'error', inside };
  }
  const filled = child(command, 'x');
  const [status, stage] =
    filled === undefined
      ? ['executing', `<actions execute="complete"><complete/></actions>${form}`]
      : ['completed', `<note type="info">${filled.children.flatMap(valueOf).join(', ')}</note>`];
  const inside = `<command xmlns="${commands}" node="order" sessionid="one" status="${status}">${stage}</command>`;
  return { type: 'result', inside };
}

function valueOf(field: Tree | string): string[] {
  const value = typeof field === 'string' ? undefined : child(field, 'value');
  return value === undefined ? [] : [textOf(value) ?? ''];
}
