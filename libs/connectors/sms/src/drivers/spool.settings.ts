import type { JsonObject } from '#connector';

const programs = ['gammu', 'smstools'] as const;
export type ProgramName = (typeof programs)[number];

/** JSON Schema of what the spool driver is told. */
export const spoolSchema: JsonObject = {
  type: 'object',
  title: 'Local modem',
  additionalProperties: false,
  required: ['program', 'directory'],
  properties: {
    program: {
      type: 'string',
      title: 'Program',
      description: 'Which program drives the modem: gammu-smsd with its files backend, or smstools.',
      enum: programs,
    },
    directory: {
      type: 'string',
      title: 'Directory',
      description:
        'The name of its directory, below the one that the operator of the server has set aside for modems.',
      // No dots and no slashes: a name leads nowhere else.
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
    },
  },
};

export interface SpoolSettings {
  readonly program: ProgramName;
  readonly directory: string;
}

/** Reads settings that have passed the schema; those of another driver name no directory. */
export function readSpool(raw: JsonObject): SpoolSettings {
  const { program, directory } = raw;
  return {
    program: programs.find((one) => one === program) ?? 'gammu',
    directory: typeof directory === 'string' ? directory : '',
  };
}
