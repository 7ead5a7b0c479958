import { Module, type DynamicModule } from '@nestjs/common';
import type { Connector, ConnectorDescription } from '#connector';
import { Problem } from '#platform';
import { SchemaCheck } from './schema-check.js';

/** A connector with what is asked of it often. */
export interface RegisteredConnector {
  readonly connector: Connector;
  readonly description: ConnectorDescription;
  readonly settings: SchemaCheck;
  readonly secrets: SchemaCheck;
}

/** The protocols that this server speaks, by name. */
export class Connectors {
  readonly #registered: ReadonlyMap<string, RegisteredConnector>;

  /** @throws Error when two bear one name, or a schema is none: both are faults of the build, found at start. */
  constructor(connectors: readonly Connector[]) {
    const registered = new Map<string, RegisteredConnector>();
    for (const connector of connectors) {
      const description = connector.describe();
      if (registered.has(description.protocol)) {
        throw new Error(`two connectors are called ${description.protocol}`);
      }
      registered.set(description.protocol, {
        connector,
        description,
        settings: new SchemaCheck(description.settings),
        secrets: new SchemaCheck(description.secrets),
      });
    }
    this.#registered = registered;
  }

  /** @throws Problem 422 `unknown-connector` */
  get(protocol: string): Connector {
    return this.registered(protocol).connector;
  }

  /** @throws Problem 422 `unknown-connector` */
  registered(protocol: string): RegisteredConnector {
    const found = this.#registered.get(protocol);
    if (!found) {
      throw new Problem(422, 'unknown-connector', `This server has no connector called ${protocol}.`, {
        errors: [
          { pointer: '/connector', detail: `must be one of ${[...this.#registered.keys()].join(', ')}` },
        ],
      });
    }
    return found;
  }

  has(protocol: string): boolean {
    return this.#registered.has(protocol);
  }

  all(): readonly Connector[] {
    return [...this.#registered.values()].map(({ connector }) => connector);
  }
}

/** Where the server names its connectors; every other room asks `Connectors`. */
@Module({})
export class ConnectorsModule {
  static forRoot(connectors: readonly Connector[]): DynamicModule {
    return {
      module: ConnectorsModule,
      global: true,
      providers: [{ provide: Connectors, useFactory: () => new Connectors(connectors) }],
      exports: [Connectors],
    };
  }
}
