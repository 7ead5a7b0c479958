import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { brand, type PersonId, type WorkspaceId } from '#model';
import { openTestDatabase, type TestDatabase } from '#platform/testing';
import { Audit } from './audit.service.js';

const workspace = brand<'WorkspaceId'>('01890000-0000-7000-8000-000000000001') satisfies WorkspaceId;
const person = brand<'PersonId'>('01890000-0000-7000-8000-000000000002') satisfies PersonId;

// The first that asks makes the archive that all databases start from.
describe('the audit', () => {
  let open: TestDatabase;
  const audit = new Audit();

  beforeAll(async () => {
    open = await openTestDatabase('embedded');
  });
  afterAll(async () => {
    await open[Symbol.asyncDispose]();
  });

  const written = () =>
    open.database.query(
      'SELECT workspace_id, person_id, action, subject, facts, address FROM audit ORDER BY id',
    );

  it('writes many entries in one statement, in their order', async () => {
    await audit.record(
      open.database,
      {
        workspace,
        person,
        action: 'token.created',
        subject: 'x',
        facts: { label: 'bot' },
        address: '192.0.2.1',
      },
      { workspace, action: 'session.refused' },
    );
    expect(await written()).toEqual([
      {
        workspace_id: workspace,
        person_id: person,
        action: 'token.created',
        subject: 'x',
        facts: { label: 'bot' },
        address: '192.0.2.1',
      },
      {
        workspace_id: workspace,
        person_id: null,
        action: 'session.refused',
        subject: null,
        facts: {},
        address: null,
      },
    ]);
  });

  it('keeps nothing of an act that did not happen', async () => {
    const before = await written();
    const failing = open.database.transaction(async (sql) => {
      await audit.record(sql, { workspace, person, action: 'token.revoked' });
      throw new Error('the act failed');
    });
    await expect(failing).rejects.toThrow('the act failed');
    expect(await written()).toEqual(before);
  });

  it('asks nothing of the database when there is nothing to say', async () => {
    await audit.record({ query: () => Promise.reject(new Error('asked')) });
  });
});
