import { expect } from '@jest/globals';
import { abilityNames, acceptsHttp, AddressError, can, type AbilityName, type JsonObject } from '#connector';
import { capabilityNames, levelOf, type CapabilityName } from '#model';
import type { Bench } from '../bench.js';
import type { Case } from '../cases.js';
import { acts } from '../harness.js';
import { schemaFaults, valueFaults } from '../schema.js';

const draft = 'https://json-schema.org/draft/2020-12/schema';

/** Abilities without which a native capability is an empty word. */
const carriedBy: Partial<Record<CapabilityName, AbilityName>> = {
  rooms: 'has-rooms',
  edits: 'edits',
  retractions: 'retracts',
  reactions: 'reacts',
  typing: 'shows-typing',
  history: 'has-history',
  roster: 'has-contacts',
};

/** Settings under which addresses are read. */
async function settingsOf({ network }: Bench): Promise<JsonObject> {
  return (await network.login({ host: network.host, port: network.port })).settings;
}

function parsed({ connector }: Bench, raw: string, settings: JsonObject): string | undefined {
  try {
    return connector.addresses.parse(raw, settings).value;
  } catch (error) {
    if (error instanceof AddressError && error.message.length > 10) return undefined;
    throw error;
  }
}

export const describes: readonly Case[] = [
  {
    id: 'describes-settings',
    sentence: 'describes its settings and secrets as JSON Schemas that its own logins pass (§8, describe)',
    async run(bench) {
      const { settings, secrets } = bench.connector.describe();
      for (const schema of [settings, secrets]) {
        expect(schema['$schema']).toBe(draft);
        expect(schema['type']).toBe('object');
        expect(schemaFaults(schema)).toEqual([]);
      }
      const login = await bench.network.login(bench.network);
      expect(valueFaults(settings, login.settings)).toEqual([]);
      expect(valueFaults(secrets, login.secrets)).toEqual([]);
    },
  },
  {
    id: 'describes-itself',
    sentence: 'describes itself within the words of the contract, the same every time (§8, describe)',
    run({ connector }) {
      const description = connector.describe();
      expect(connector.describe()).toEqual(description);
      expect(description.protocol).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(description.name).not.toBe('');
      expect(description.mark).not.toBe('');
      const { maxTextBytes, ...levels } = description.capabilities;
      for (const [name, level] of Object.entries(levels)) {
        expect(capabilityNames).toContain(name);
        expect(['native', 'fallback', 'none']).toContain(level);
      }
      if (maxTextBytes !== undefined) expect(maxTextBytes).toBeGreaterThan(0);
      for (const loss of description.losses) expect(loss).toMatch(/^\S.{10,}/);
      return Promise.resolve();
    },
  },
  {
    id: 'describes-pace',
    sentence:
      'declares a rate and a number in flight that something can be sent with (§8, flood and inFlight)',
    run({ connector }) {
      const { flood, inFlight, observes } = connector.describe();
      expect(flood.burst).toBeGreaterThanOrEqual(1);
      expect(flood.perSecond).toBeGreaterThan(0);
      expect(inFlight.perLane).toBeGreaterThanOrEqual(1);
      expect(inFlight.perLink).toBeGreaterThanOrEqual(inFlight.perLane);
      expect(['sent', 'delivered', 'read']).toContain(observes);
      return Promise.resolve();
    },
  },
  {
    id: 'abilities',
    sentence: 'implements the abilities that it declares, and no others (§8, abilities)',
    async run(bench) {
      const { abilities, capabilities } = bench.connector.describe();
      const { session } = await bench.rig({ online: false });
      expect(abilityNames.filter((name) => can(session, name)).sort()).toEqual([...abilities].sort());
      // This one has two halves, and the gateway runs the other.
      expect(acceptsHttp(bench.connector)).toBe(abilities.includes('accepts-http'));
      for (const [capability, ability] of Object.entries(carriedBy)) {
        if (levelOf(capabilities, capability as CapabilityName) !== 'native') continue;
        expect({ capability, carriedBy: abilities }).toEqual({
          capability,
          carriedBy: expect.arrayContaining([ability]),
        });
      }
    },
  },
  {
    id: 'capabilities-here',
    sentence:
      'says what can be done here and now: what this network offers of what it describes, and no more (law 7)',
    async run(bench) {
      const { capabilities } = bench.connector.describe();
      const rig = await bench.rig();
      await rig.until('the capabilities', () => rig.context.capabilitiesOf(rig.account));
      const levels = ['none', 'fallback', 'native'];
      const isNative = (name: CapabilityName): boolean =>
        levelOf(capabilities, name) === 'native' && bench.harness.lacks?.includes(name) !== true;
      // What a network must be asked for comes a moment later; what does not come is said by name below.
      await rig
        .until('all of them', () => {
          const now = rig.context.capabilitiesOf(rig.account) ?? {};
          return capabilityNames.every((name) => (levelOf(now, name) === 'native') === isNative(name));
        })
        .catch(() => undefined);
      const here = rig.context.capabilitiesOf(rig.account) ?? {};
      for (const name of capabilityNames) {
        const [most, now] = [levelOf(capabilities, name), levelOf(here, name)];
        expect({ name, over: levels.indexOf(now) > levels.indexOf(most) }).toEqual({ name, over: false });
        expect({ name, native: now === 'native' }).toEqual({ name, native: isNative(name) });
      }
    },
  },
  {
    id: 'targets',
    sentence: 'names the network and every host that it would connect to, without connecting (law 9)',
    async run(bench) {
      const { connector, network } = bench;
      const { settings } = await network.login({ host: network.host, port: network.port });
      expect(connector.targetsOf(settings)).toContainEqual({ host: network.host, port: network.port });
      expect(connector.networkOf(settings)).toMatch(/^[^\s]+$/);
      expect(connector.networkOf(settings).startsWith(connector.describe().protocol)).toBe(true);
    },
  },
  {
    id: 'acts',
    sentence: 'is given a network that can do what its harness declares',
    run({ harness, network }) {
      for (const act of harness.acts) {
        const member = acts[act];
        if (member !== undefined)
          expect({ act, is: typeof network[member] }).toEqual({ act, is: 'function' });
      }
      return Promise.resolve();
    },
  },
  {
    id: 'addresses-round-trip',
    sentence: 'makes an address canonical, and leaves it so when it is read again as shown (§8, addresses)',
    async run(bench) {
      const { addresses } = bench.connector;
      const settings = await settingsOf(bench);
      const others = await settingsOf(bench);
      for (const [raw, value] of Object.entries(bench.harness.addresses.good)) {
        const address = addresses.parse(raw, settings);
        expect({ raw, value: address.value }).toEqual({ raw, value });
        expect(addresses.parse(address.value, others)).toEqual(address);
        expect(addresses.parse(addresses.display(address.value), settings)).toEqual(address);
        const kind = addresses.kindOf(address.value);
        expect(['direct', 'room', undefined]).toContain(kind);
        const members = addresses.membersOf?.(address.value);
        if (kind === 'direct' && members !== undefined) expect(members).toHaveLength(1);
        for (const { kind } of [address, ...(members ?? [])])
          expect(['stable', 'transient', 'reassignable']).toContain(kind);
      }
    },
  },
  {
    id: 'addresses-refuse',
    sentence:
      'refuses what is no address with a sentence for the person: empty, with a line end or NUL inside, endless (law 9)',
    async run(bench) {
      const settings = await settingsOf(bench);
      const [good = 'x'] = Object.keys(bench.harness.addresses.good);
      const controls = ['\r\n', '\n', '\r', '\0'].flatMap((control) => [
        `${good}${control}x`,
        `x${control}${good}`,
      ]);
      const bad = ['', ' ', `${good}\0`, ...controls, good + 'x'.repeat(70_000)];
      for (const raw of [...bad, ...(bench.harness.addresses.bad ?? [])]) {
        expect({ raw: raw.slice(0, 80), is: parsed(bench, raw, settings) }).toEqual({
          raw: raw.slice(0, 80),
          is: undefined,
        });
      }
    },
  },
  {
    id: 'addresses-any-text',
    sentence:
      'reads any text as an address that is canonical, UTF-8 and free of line ends, or as none (law 9)',
    async run(bench) {
      const settings = await settingsOf(bench);
      const good = Object.keys(bench.harness.addresses.good);
      const alphabet = [
        '\0',
        '\r',
        '\n',
        '\t',
        ' ',
        ':',
        '@',
        '#',
        '+',
        '/',
        '\u202e',
        '\ud800',
        'é',
        'A',
        '0',
        '💬',
        '\u0301',
      ];
      let seed = 7;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((seed / 2 ** 32) * below);
      };
      const faults: string[] = [];
      for (let i = 0; i < 1_000; i++) {
        const base = good[random(good.length)] ?? '';
        const at = random(base.length + 1);
        const noise = Array.from(
          { length: 1 + random(4) },
          () => alphabet[random(alphabet.length)] ?? '',
        ).join('');
        const raw = base.slice(0, at) + noise + base.slice(at);
        const value = parsed(bench, raw, settings);
        if (value === undefined) continue;
        const sound =
          !/[\0\r\n]/.test(value) && value.isWellFormed() && parsed(bench, value, settings) === value;
        if (!sound) faults.push(JSON.stringify(raw));
      }
      expect(faults).toEqual([]);
    },
  },
];
