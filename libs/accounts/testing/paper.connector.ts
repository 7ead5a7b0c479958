import { AddressError, type Connector, type ConnectorDescription, type JsonObject } from '#connector';

const description: ConnectorDescription = {
  protocol: 'paper',
  name: 'Paper',
  mark: 'paper',
  settings: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      host: { type: 'string', minLength: 1 },
      port: { type: 'integer', minimum: 1, maximum: 65_535, default: 4_000 },
      nick: { type: 'string', pattern: '^[a-z]+$' },
      callback: { type: 'string', format: 'uri' },
    },
    required: ['host'],
    additionalProperties: false,
  },
  secrets: {
    type: 'object',
    properties: { password: { type: 'string', minLength: 3 }, pin: { type: 'string', pattern: '^\\d+$' } },
    additionalProperties: false,
  },
  capabilities: { direct: 'native', rooms: 'native' },
  abilities: ['has-rooms', 'sets-presence'],
  flood: { burst: 10, perSecond: 1 },
  observes: 'sent',
  inFlight: { perLane: 1, perLink: 1 },
  losses: ['Paper burns.'],
};

/** A connector on paper: settings, secrets, a network and a target, but no session. */
export const paperConnector: Connector = {
  describe: () => description,
  addresses: {
    parse(raw) {
      if (!/^[#a-z\d-]+$/i.test(raw)) throw new AddressError('An address on paper has letters only.');
      return { value: raw.toLowerCase(), kind: 'transient' };
    },
    kindOf: (address) => (address.startsWith('#') ? 'room' : 'direct'),
    display: (address) => address,
  },
  networkOf: (settings) => `paper:${textOf(settings, 'host')}`,
  targetsOf: (settings) => [{ host: textOf(settings, 'host'), port: Number(settings['port']) }],
  open() {
    throw new Error('paper does not connect');
  },
};

function textOf(settings: JsonObject, name: string): string {
  const value = settings[name];
  return typeof value === 'string' ? value : '';
}
