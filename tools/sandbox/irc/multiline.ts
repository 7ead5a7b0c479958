/* BATCH from clients (client-batch) with the one type there is: draft/multiline. */
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import type { Said } from './line.js';
import { speak, type Verb } from './talk.js';
import type { World } from './world.js';

export const multiline: Handlers = {
  BATCH: (world, client, { params: [mark = '', type = '', target = ''], tags }) => {
    const ref = mark.slice(1);
    if (mark.startsWith('-')) {
      finish(world, client, ref);
      return;
    }
    if (!mark.startsWith('+') || !/^[A-Za-z0-9-]+$/.test(ref)) {
      client.standard('FAIL', 'BATCH', 'INVALID_REFTAG', ref === '' ? '*' : ref, 'Invalid reference tag');
      return;
    }
    if (type !== 'draft/multiline' || !client.can('draft/multiline')) {
      client.standard('FAIL', 'BATCH', 'UNKNOWN_TYPE', ref, type === '' ? '*' : type, 'Unknown batch type');
      return;
    }
    if (client.batch !== undefined || tags.has('batch') || target === '') {
      client.standard('FAIL', 'BATCH', 'MULTILINE_INVALID', 'Invalid multiline batch');
      return;
    }
    // Its answer comes when it is complete.
    client.batch = { ref, label: client.holdLabel(), target, tags, lines: [], refused: false };
  },
};

/** Takes a line that belongs to an open batch. True when that is all there is to do with it. */
export function collectPart(world: World, client: Client, said: Said): boolean {
  const ref = said.tags.get('batch');
  const { batch } = client;
  if (said.command === 'BATCH' || ref === undefined) return false;
  if (batch === undefined || batch.ref !== ref) return true;
  if (batch.refused) return true;
  const { maxBytes = 4_096, maxLines = 24 } = world.options.multiline ?? {};
  const [target = '', text = ''] = said.params;
  const concat = said.tags.has('draft/multiline-concat');
  const refuse = (...words: readonly [string, ...string[]]): void => {
    batch.refused = true;
    client.labelled(batch.label, () => {
      client.standard('FAIL', 'BATCH', ...words);
    });
  };
  if (said.command !== 'PRIVMSG' && said.command !== 'NOTICE')
    refuse('MULTILINE_INVALID', 'Invalid multiline batch');
  else if (batch.lines.some(({ verb }) => verb !== said.command)) {
    refuse('MULTILINE_INVALID', 'Invalid multiline batch');
  } else if (world.fold(target) !== world.fold(batch.target)) {
    refuse('MULTILINE_INVALID_TARGET', batch.target, target, 'Invalid multiline target');
  } else if (concat && text === '') {
    refuse('MULTILINE_INVALID', 'Invalid multiline batch with concatenated blank line');
  } else {
    batch.lines.push({ verb: said.command, text, concat });
    const bytes = batch.lines.reduce(
      (sum, line, index) => sum + Buffer.byteLength(line.text) + (index > 0 && !line.concat ? 1 : 0),
      0,
    );
    if (batch.lines.length > maxLines) {
      refuse('MULTILINE_MAX_LINES', String(maxLines), 'Multiline batch max-lines exceeded');
    } else if (bytes > maxBytes) {
      refuse('MULTILINE_MAX_BYTES', String(maxBytes), 'Multiline batch max-bytes exceeded');
    }
  }
  return true;
}

function finish(world: World, client: Client, ref: string): void {
  const { batch } = client;
  if (batch?.ref !== ref) {
    client.standard('FAIL', 'BATCH', 'MULTILINE_INVALID', 'Invalid multiline batch');
    return;
  }
  client.batch = undefined;
  if (batch.refused) return;
  client.labelled(batch.label, () => {
    const [first] = batch.lines;
    if (first === undefined || batch.lines.every(({ text }) => text === '')) {
      client.standard('FAIL', 'BATCH', 'MULTILINE_INVALID', 'Invalid multiline batch with blank lines only');
      return;
    }
    speak(world, client, {
      verb: first.verb as Verb,
      target: batch.target,
      parts: batch.lines.map(({ text, concat }) => ({ text, concat })),
      tags: batch.tags,
    });
  });
}
