/*
 * Entering a server as one of its components (XEP-0114): a stream in a namespace of its own, let in by a hash over the
 * stream's id and a shared secret. A component speaks for every address of its domain.
 */
import { createHash } from 'node:crypto';
import { failure, type Failure } from '#model';
import { reach, Refused, type ReachOptions } from './reach.js';
import { OutOfStep } from './steps.js';
import { clientNamespace, componentNamespace } from './stream-reader.js';
import type { Stream } from './stream.js';
import { xml } from './xml.js';

export interface ComponentOptions extends ReachOptions {
  readonly secret: string;
}

export type ComponentEntered =
  { readonly ok: true; readonly stream: Stream } | { readonly ok: false; readonly failure: Failure };

/**
 * Connects and shakes hands. Never rejects; nothing is left open where it fails. What comes over the stream is told in the
 * namespace of clients, and what is sent is taken in it.
 */
export async function enterAsComponent(options: ComponentOptions): Promise<ComponentEntered> {
  const { domain, secret } = options;
  return reach(options, async (stream, steps) => {
    stream.begin({ to: domain, content: componentNamespace });
    const { id } = await steps.header();
    if (id === undefined) {
      throw new Refused(failure('protocol-violation', 'The server gives its stream no id to sign.'));
    }
    stream.send(xml('handshake', null, handshake(id, secret)));
    const answer = await steps.element();
    if (answer === undefined) throw new OutOfStep();
    if (!answer.is('handshake', clientNamespace)) {
      throw new Refused(failure('protocol-violation', 'The server does not shake hands as it should.'));
    }
  });
}

/** XEP-0114 §3: lower-case hexadecimal SHA-1 of the stream's id and the secret behind it. */
export function handshake(id: string, secret: string): string {
  return createHash('sha1').update(`${id}${secret}`).digest('hex');
}
