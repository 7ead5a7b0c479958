import { Injectable } from '@nestjs/common';
import { Access, AccountLinks, type AccountLink, type Principal } from '#accounts';
import type { AttachmentIn, Recipient, SendMessageBody, SendMessagesBody } from '#api';
import { AddressError } from '#connector';
import { FileSight, Places, standsBy } from '#conversations';
import {
  failure,
  type AccountId,
  type Attachment,
  type ConversationId,
  type ConversationKind,
  type Failure,
  type MessageContent,
} from '#model';
import type { Send } from './accept.js';

/** What is said, with every attachment as it is stored. */
export type Content = Omit<SendMessageBody, 'scheduleAt' | 'urgent' | 'attachments'> &
  Pick<MessageContent, 'attachments'>;

/** Where a send goes, and why that way. */
export interface Routed {
  readonly link: AccountLink;
  readonly to: Send['to'];
  readonly account: AccountId;
  readonly conversation?: ConversationId;
  readonly kind: ConversationKind;
  /** Empty for a conversation: its address is read under its lock. */
  readonly address: string;
  readonly why: string;
}

/** Which way a message goes to a recipient, and what goes along. */
@Injectable()
export class Routing {
  constructor(
    private readonly access: Access,
    private readonly places: Places,
    private readonly links: AccountLinks,
    private readonly files: FileSight,
  ) {}

  /** What is said together with what goes along: files that the caller may see, by what they are. */
  async attach(
    caller: Principal,
    said: Omit<Content, 'attachments'>,
    asked: readonly AttachmentIn[] | undefined,
  ): Promise<Content | { readonly failure: Failure }> {
    if (!asked) return said;
    const ids = asked.flatMap((one) => ('file' in one ? [one.file] : []));
    const files = await this.files.of(caller, ids);
    const attachments: Attachment[] = [];
    for (const one of asked) {
      if (!('file' in one)) {
        attachments.push(one);
        continue;
      }
      const file = files.get(one.file);
      if (!file) return { failure: failure('not-found', 'There is no such file.') };
      const { id, name, mediaType, size } = file;
      attachments.push({ file: id, name, mediaType, size });
    }
    return { ...said, attachments };
  }

  /** The way, if the caller may go it. */
  async of(
    caller: Principal,
    recipient: Recipient,
    via: string | undefined,
  ): Promise<Routed | { readonly failure: Failure }> {
    if ('contact' in recipient) {
      return {
        failure: failure(
          'unsupported',
          'Contacts cannot be written to yet: name a conversation or an address.',
        ),
      };
    }
    const accounts = await this.access.accountsOf(caller.workspace, caller.person);
    if ('conversation' in recipient) {
      const place = await this.places.of(recipient.conversation);
      if (!place || !accounts.has(place.account))
        return { failure: failure('not-found', 'There is no such conversation.') };
      if (via !== undefined && via !== place.account) {
        return {
          failure: failure(
            'unsupported',
            'This conversation belongs to another account than the one asked for.',
          ),
        };
      }
      const link = await this.links.of(place.account);
      if (!link) return { failure: failure('not-found', 'There is no such conversation.') };
      return {
        link,
        to: { conversation: place.id },
        account: place.account,
        conversation: place.id,
        kind: place.kind,
        address: '',
        why: 'This conversation.',
      };
    }
    if (!accounts.has(recipient.account))
      return { failure: failure('not-found', 'There is no such account.') };
    if (via !== undefined && via !== recipient.account) {
      return { failure: failure('unsupported', 'The address is asked for on another account than `via`.') };
    }
    const { account } = recipient;
    const link = await this.links.of(account);
    if (!link) return { failure: failure('not-found', 'There is no such account.') };
    const { addresses } = link.connector;
    try {
      const address = addresses.parse(recipient.address, link.settings).value;
      const kind = addresses.kindOf(address) ?? (await this.places.kindAt(account, address)) ?? 'direct';
      return {
        link,
        to: { account, kind, address, ...standsBy(link.connector.describe(), kind) },
        account,
        kind,
        address,
        why: 'This address.',
      };
    } catch (error) {
      if (error instanceof AddressError) return { failure: failure('not-found', error.message) };
      throw error;
    }
  }
}

/** What is said, without what goes along. */
export function contentOf({
  text,
  spans,
  emote,
  notice,
  audience,
  ...more
}: SendMessageBody | SendMessagesBody): Omit<Content, 'attachments'> {
  return {
    text,
    ...(spans ? { spans } : {}),
    ...(emote === undefined ? {} : { emote }),
    ...(notice === undefined ? {} : { notice }),
    ...(audience === undefined ? {} : { audience }),
    ...('replyTo' in more ? { replyTo: more.replyTo } : {}),
  };
}
