/* An account and servers that are not as they should be. */
import { expect, it } from '@jest/globals';
import { rigServer, Rigs, type Rig } from '#connectors/sip/testing';
import { startSandboxSip, type SandboxSip } from '#sandbox';

async function between(test: (sandbox: SandboxSip, rigs: Rigs) => Promise<void>): Promise<void> {
  await using sandbox = await startSandboxSip();
  await using rigs = new Rigs();
  await test(sandbox, rigs);
}

const begin = (sandbox: SandboxSip, rigs: Rigs): Promise<Rig> => rigs.begin({ server: rigServer(sandbox) });

it('leaves a server alone for as long as that wants', async () => {
  await between(async (sandbox, rigs) => {
    sandbox.misbehave({ refusesRegistration: { status: 503, retryAfter: 600 } });
    const alice = await begin(sandbox, rigs);
    const { until, code } = await alice.until('backing-off');
    expect(code).toBe('server-shutdown');
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(500_000);
  });
});
