import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { answer, cancelled, formIn, formsIn, saysYes, submission, valueIn, valuesIn } from './0004.js';

const wrapped = (form: string): ReturnType<typeof readStanza> =>
  readStanza(`<iq><command xmlns="http://jabber.org/protocol/commands">${form}</command></iq>`);
const inside = (form: string) => formIn(wrapped(form).getChildElements()[0] ?? wrapped(form));

const bot = inside(`<x xmlns='jabber:x:data' type='form'>
  <title>Bot Configuration</title>
  <instructions>Fill out this form to configure your new bot!</instructions>
  <field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>
  <field type='fixed'><value>Section 1: Bot Info</value></field>
  <field type='text-single' label='The name of your bot' var='botname'/>
  <field type='boolean' label='Public bot?' var='public'><required/></field>
  <field type='list-multi' label='What features will the bot support?' var='features'>
    <option label='Contests'><value>contests</value></option>
    <option label='News'><value>news</value></option>
    <value>news</value>
    <value>search</value>
  </field>
  <field type='list-single' label='Maximum number of subscribers' var='maxsubs'>
    <value>20</value>
    <option label='10'><value>10</value></option>
    <option label='None'><value>none</value></option>
  </field>
  <field type='jid-multi' label='People to invite' var='invitelist'><desc>Tell all your friends about your new bot!</desc></field>
</x>`);

describe('data forms (XEP-0004)', () => {
  test('a form is read with its fields, options and proposals', () => {
    expect(bot).toMatchObject({
      type: 'form',
      formType: 'jabber:bot',
      title: 'Bot Configuration',
      instructions: 'Fill out this form to configure your new bot!',
    });
    expect(bot?.fields).toHaveLength(7);
    expect(bot?.fields.find(({ name }) => name === 'public')).toEqual({
      name: 'public',
      type: 'boolean',
      label: 'Public bot?',
      required: true,
      values: [],
      options: [],
    });
    expect(valuesIn(bot, 'features')).toEqual(['news', 'search']);
    expect(bot?.fields.find(({ name }) => name === 'maxsubs')?.options).toEqual([
      { value: '10', label: '10' },
      { value: 'none', label: 'None' },
    ]);
  });

  test('an answer takes what is given, what was proposed for the rest, and no fixed text', () => {
    const answered =
      bot && answer(bot, { botname: 'Joogle', public: false, invitelist: ['juliet@capulet.com'] });
    expect(answered?.ok).toBe(true);
    const form = answered?.ok === true ? serialise(answered.form) : '';
    expect(form).toBe(
      '<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>jabber:bot</value></field>' +
        '<field var="botname"><value>Joogle</value></field><field var="public"><value>0</value></field>' +
        '<field var="features"><value>news</value><value>search</value></field>' +
        '<field var="maxsubs"><value>20</value></field>' +
        '<field var="invitelist"><value>juliet@capulet.com</value></field></x>',
    );
  });

  test('an answer says what it lacks and what was never asked for', () => {
    expect(bot && answer(bot, { shoe: '42' })).toEqual({ ok: false, missing: ['public'], unknown: ['shoe'] });
  });

  test('rows of a result are read by name', () => {
    const found =
      inside(`<x xmlns='jabber:x:data' type='result'><reported><field var='name'/><field var='url'/></reported>
      <item><field var='name'><value>Comune di Verona</value></field><field var='url'><value>http://www.comune.verona.it/</value></field></item>
      <item><field var='name'><value>benvenuto!</value></field></item></x>`);
    expect(found?.rows.map((row) => row.get('name')?.[0])).toEqual(['Comune di Verona', 'benvenuto!']);
    expect(found?.rows[1]?.get('url')).toBeUndefined();
  });

  test('a submission of our own says its kind', () => {
    expect(serialise(submission('urn:xmpp:mam:2', { with: 'juliet@capulet.lit', end: undefined }))).toBe(
      '<x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>' +
        '<field var="with"><value>juliet@capulet.lit</value></field></x>',
    );
    expect(serialise(cancelled())).toBe('<x xmlns="jabber:x:data" type="cancel"/>');
  });

  test.each([
    ['of another namespace', `<x xmlns='jabber:x:dada' type='form'/>`],
    ['without a type', `<x xmlns='jabber:x:data'/>`],
    ['of an unknown type', `<x xmlns='jabber:x:data' type='poem'/>`],
  ])('what is %s is no form', (_, form) => {
    expect(inside(form)).toBeUndefined();
  });

  test('an unknown type of field is text, and fields of another namespace are none', () => {
    const form =
      inside(`<x xmlns='jabber:x:data' type='form'><field var='a' type='hologram'><value>1</value></field>
      <field xmlns='urn:evil' var='b'><value>1</value></field></x>`);
    expect(form?.fields.map(({ name, type }) => [name, type])).toEqual([['a', 'text-single']]);
    expect(saysYes(form, 'a')).toBe(true);
    expect(saysYes(form, 'b')).toBe(false);
    expect(valueIn(undefined, 'a')).toBeUndefined();
  });

  test('what is too much is left out', () => {
    const values = '<value>v</value>'.repeat(400);
    const fields = `<field var='f'/>`.repeat(350);
    const form = inside(
      `<x xmlns='jabber:x:data' type='form'><title>${'t'.repeat(9_000)}</title><field var='g'>${values}</field>${fields}</x>`,
    );
    expect(form?.fields).toHaveLength(300);
    expect(form?.fields[0]?.values).toHaveLength(300);
    expect(form?.title).toHaveLength(4_096);
    expect(formsIn(wrapped(''))).toEqual([]);
  });
});
