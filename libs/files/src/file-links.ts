import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FileId, MessageContent, MessageId } from '#model';
import { Clock, Config, logger, publicBase, SecretBox, type Sql } from '#platform';
import type { ServedFile } from './serving.js';
import { linkedFile, linksOf, prolongLinks, type FileUse } from './uses.store.js';

const log = logger('files');

const dayMs = 86_400_000;
/** 128 bits: nobody finds a link by guessing. */
const tokenBytes = 16;

/** Where the files of a message are to be fetched by whoever receives it. */
export type FileAddresses = ReadonlyMap<FileId, string>;

/**
 * Public links to files, one for each message that leaves with one. The token is found by its hash; besides that it is
 * kept sealed, so that a message which is sent again says the same link. Neither the tables nor a backup of them lead to
 * a file.
 */
@Injectable()
export class FileLinks {
  readonly #base: string;
  readonly #lastsMs: number;

  constructor(
    config: Config,
    private readonly box: SecretBox,
    private readonly clock: Clock,
  ) {
    this.#base = publicBase(config);
    this.#lastsMs = config.fileLinkDays * dayMs;
  }

  /** A link for a message that is due at that time. */
  make(message: MessageId, file: FileId, dueAt: Date): NonNullable<FileUse['link']> {
    const token = randomBytes(tokenBytes).toString('base64url');
    return {
      token: this.box.seal(token, contextOf(message, file)),
      tokenHash: hashOf(token),
      expiresAt: this.expiry(dueAt),
    };
  }

  /** The links of a message that is sent again are good for the usual time from now. */
  async prolong(sql: Sql, message: MessageId): Promise<void> {
    await prolongLinks(sql, message, this.expiry(new Date(this.clock.now())));
  }

  /** The addresses under which recipients of messages fetch their files. */
  async addressesOf(sql: Sql, messages: readonly MessageId[]): Promise<Map<MessageId, FileAddresses>> {
    const addresses = new Map<MessageId, Map<FileId, string>>();
    if (messages.length === 0) return addresses;
    for (const { message, file, token } of await linksOf(sql, messages)) {
      const opened = this.open(token, contextOf(message, file));
      if (opened === undefined) continue;
      const mine = addresses.get(message) ?? new Map<FileId, string>();
      addresses.set(message, mine.set(file, `${this.#base}/f/${opened}`));
    }
    return addresses;
  }

  /** What a token leads to; `expired` where it did once. */
  async follow(
    sql: Sql,
    token: string,
  ): Promise<{ file: ServedFile; expiresAt: Date } | 'expired' | undefined> {
    const found = await linkedFile(sql, hashOf(token));
    if (!found) return undefined;
    const { expiresAt, size, ...file } = found;
    if (expiresAt.getTime() <= this.clock.now()) return 'expired';
    return { file: { ...file, size: Number(size) }, expiresAt };
  }

  private expiry(from: Date): Date {
    return new Date(from.getTime() + this.#lastsMs);
  }

  private open(sealed: Buffer, context: string): string | undefined {
    try {
      return this.box.open(sealed, context).toString('utf8');
    } catch (err) {
      // The message goes without its link rather than not at all.
      log.error({ err }, 'the link to a file cannot be opened');
      return undefined;
    }
  }
}

/** Content as it leaves: every file of ours with the address under which its recipient fetches it. */
export function withAddresses(content: MessageContent, addresses: FileAddresses | undefined): MessageContent {
  if (!carriesFiles(content)) return content;
  return {
    ...content,
    attachments: (content.attachments ?? []).map((attachment) => {
      const url = attachment.file && addresses?.get(attachment.file);
      return url === undefined ? attachment : { ...attachment, url };
    }),
  };
}

/** The files of ours that content names, each once. */
export function filesIn(content: MessageContent): readonly FileId[] {
  return [...new Set((content.attachments ?? []).flatMap(({ file }) => file ?? []))];
}

export function carriesFiles(content: MessageContent): boolean {
  return content.attachments?.some(({ file }) => file !== undefined) === true;
}

function contextOf(message: MessageId, file: FileId): string {
  return `file link ${message} ${file}`;
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
