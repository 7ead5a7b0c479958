/*
 * What is said, told to the house: messages, reactions, what is taken back, who writes. And what comes back of what we
 * said ourselves: it completes its envelope, or was said through another client of the same account.
 */
import { parseWireId, type InboundMessage, type RemoteId, type SessionContext } from '#connector';
import type { Inlet } from '#connector/session';
import type { AccountId } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Batches } from './batches.js';
import type { CtcpAnswers } from './ctcp.js';
import type { Receiving } from './dcc-receiving.js';
import { offerOf } from './dcc.js';
import type { Circumstance } from './from-irc.js';
import { addressOf } from './irc.addresses.js';
import { Multiline, multilineType } from './multiline.js';
import type { People } from './people.js';
import type { Rooms } from './rooms.js';
import type { Self } from './self.js';
import { tagText, type Sending } from './sending.js';
import { tag, type Ctcp, type Reacted, type Redacted, type Said, type Speech } from './speech.js';
import type { Typing } from './typing.js';

export interface TalkParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  /** Takes what was heard; how it tells the past from the present is past.ts's. */
  readonly inlet: Pick<Inlet, 'push'>;
  readonly self: Self;
  readonly rooms: Rooms;
  readonly people: People;
  readonly sending: Sending;
  readonly batches: Batches;
  readonly typing: Typing;
  readonly ctcp: CtcpAnswers;
  readonly receiving: Pick<Receiving, 'offered' | 'renamed' | 'close'>;
  readonly echoes: () => boolean;
}

export class Talk {
  readonly #parts: TalkParts;
  readonly #multiline: Multiline;

  constructor(parts: TalkParts) {
    this.#parts = parts;
    this.#multiline = new Multiline(
      (ms, call) => parts.context.clock.after(ms, call),
      (said, { message, circumstance }) => {
        this.#said(said, message, this.#timeOf(circumstance), parts.batches.labelOf(message));
      },
    );
  }

  hear(speech: Speech, message: IrcMessage, circumstance: Circumstance): void {
    const at = this.#timeOf(circumstance);
    const label = this.#parts.batches.labelOf(message);
    switch (speech.fact) {
      case 'said':
        // Without a nick it is the server: its notices are about the connection, not to anybody.
        if (speech.from.nick === undefined || this.#multiline.take(speech, message)) return;
        this.#said(speech, message, at, label);
        return;
      case 'tagged':
        this.#tagged(speech, message, at, label);
        return;
      case 'redacted':
        this.#redacted(speech, message, at, label);
        return;
      case 'ctcp':
        if (!this.#offered(speech, message, at)) this.#asked(speech, label);
    }
  }

  /** A batch has begun; one of several lines is gathered. */
  opened(ref: string, type: string, message: IrcMessage, circumstance: Circumstance): void {
    if (type === multilineType) this.#multiline.open(ref, { message, circumstance });
  }

  /** A batch has ended. */
  closed(ref: string): void {
    this.#multiline.close(ref);
  }

  /** The connection is over. */
  close(): void {
    this.#multiline.closeAll();
    this.#parts.typing.close();
    this.#parts.receiving.close();
  }

  #timeOf(circumstance: Circumstance): Date {
    return new Date(circumstance.at ?? this.#parts.context.clock.now());
  }

  #said(said: Said, message: IrcMessage, at: Date, label: string | undefined): void {
    const { self, sending, inlet, account, typing, batches, echoes } = this.#parts;
    const { nick } = said.from;
    if (nick === undefined) return;
    const own = self.is(nick);
    // What is played back completes nothing that is under way now, and shows nobody as they are now.
    const now = !batches.isPlayback(message);
    if (own && now) self.saw(said.from);
    const toSelf = said.channel === undefined && self.is(said.to);
    const verb = said.how === 'notice' ? 'NOTICE' : 'PRIVMSG';
    // Where nothing is echoed and nothing labelled, what comes from ourselves was said elsewhere (a bouncer's self-message).
    const entry =
      own && now && (label !== undefined || echoes())
        ? sending.echoed(verb, said.channel ?? said.to, said.text, label, !toSelf)
        : undefined;
    const wireId = own && now ? (entry?.wireId ?? ourLabel(label)) : undefined;
    // What we say to ourselves comes as an echo and as a message: the echo is it.
    if (own && toSelf && wireId === undefined && echoes()) return;
    if (said.text === '' && wireId === undefined) return;
    const place = this.#placeOf(said, nick);
    if (place === undefined) return;
    if (!own && now) typing.spoke(place.conversation, addressOf(nick));
    inlet.push({
      type: 'message',
      account,
      ...place,
      author: this.#parts.people.party(said.from, nick),
      content: {
        text: said.text,
        ...(said.spans.length > 0 && { spans: said.spans }),
        ...(said.how === 'emote' && { emote: true }),
        ...(said.how === 'notice' && { notice: true }),
        ...(said.audience !== undefined && { audience: said.audience }),
      },
      origin: !own ? 'remote' : wireId === undefined ? 'other-device' : 'own',
      mode: 'live',
      at,
      ...(said.msgid !== undefined && { remoteId: remoteId(said.msgid) }),
      ...(said.replyTo !== undefined && { replyTo: remoteId(said.replyTo) }),
      ...(wireId !== undefined && { wireId }),
    });
  }

  #tagged(tagged: Reacted, message: IrcMessage, at: Date, label: string | undefined): void {
    const { self, inlet, account, batches, typing } = this.#parts;
    const { nick } = tagged.from;
    if (nick === undefined) return;
    const own = self.is(nick);
    const now = !batches.isPlayback(message);
    if (own && now && this.#completed('TAGMSG', tagged, tagText(message.tags), label)) return;
    const place = this.#placeOf(tagged, nick);
    if (place === undefined) return;
    if (tagged.typing !== undefined && !own && now) {
      typing.heard(place.conversation, addressOf(nick), tagged.typing);
    }
    if (tagged.reaction === undefined || tagged.about === undefined) return;
    inlet.push({
      type: 'reaction',
      account,
      ...place,
      author: this.#parts.people.party(tagged.from, nick),
      target: remoteId(tagged.about),
      reaction: tagged.reaction,
      origin: own ? 'other-device' : 'remote',
      mode: 'live',
      at,
    });
  }

  #redacted(redacted: Redacted, message: IrcMessage, at: Date, label: string | undefined): void {
    const { self, inlet, account, batches } = this.#parts;
    const nick = redacted.from.nick ?? '';
    const own = self.is(nick);
    if (own && !batches.isPlayback(message) && this.#completed('REDACT', redacted, redacted.msgid, label))
      return;
    const place = this.#placeOf(redacted, nick);
    const who = nick === '' ? message.prefix : nick;
    if (place === undefined || who === '') return;
    inlet.push({
      type: 'retraction',
      account,
      ...place,
      author: this.#parts.people.party(redacted.from, who),
      target: remoteId(redacted.msgid),
      // Whoever may take back what others said is a matter between them and the server.
      vouched: true,
      origin: own ? 'other-device' : 'remote',
      mode: 'live',
      at,
    });
  }

  /** Something of ours that is no message came back: it completes its envelope, and says nothing new. */
  #completed(
    verb: string,
    { channel, to }: Reacted | Redacted,
    text: string,
    label: string | undefined,
  ): boolean {
    const { sending, echoes } = this.#parts;
    if (label === undefined && !echoes()) return false;
    const entry = sending.echoed(verb, channel ?? to, text, label);
    entry?.answered({ kind: 'taken' });
    return entry !== undefined || ourLabel(label) !== undefined;
  }

  /** An offer by DCC is told as what somebody said, unless its file is fetched. In a room nobody means it well. */
  #offered(ctcp: Ctcp, message: IrcMessage, at: Date): boolean {
    const { self, receiving } = this.#parts;
    const { from, to, channel } = ctcp;
    const offer = channel === undefined ? offerOf(ctcp) : undefined;
    if (offer === undefined || from.nick === undefined || self.is(from.nick)) return false;
    const id = tag(message, 'msgid');
    const msgid = id !== undefined && { msgid: id };
    const text = receiving.offered(offer, { from, nick: from.nick, ...msgid });
    if (text === undefined) return true;
    const said = { fact: 'said', from, to, text, raw: text, spans: [], how: 'notice' } as const;
    this.#said({ ...said, ...msgid }, message, at, undefined);
    return true;
  }

  #asked(ctcp: Ctcp, label: string | undefined): void {
    const { self, ctcp: answers, sending } = this.#parts;
    if (!self.is(ctcp.from.nick)) answers.asked(ctcp);
    else if (label !== undefined) sending.ledger.labelled(label)?.answered({ kind: 'taken' });
  }

  /** Where it was said; undefined for nowhere: a server speaks to us without being anybody. */
  #placeOf(
    { channel, to }: Speech,
    nick: string,
  ): Pick<InboundMessage, 'conversation' | 'conversationKind'> | undefined {
    const { self, rooms } = this.#parts;
    if (channel !== undefined) {
      return { conversation: rooms.addressOf(channel), conversationKind: 'room' };
    }
    const other = self.is(nick) ? to : nick;
    return other === '' ? undefined : { conversation: addressOf(other), conversationKind: 'direct' };
  }
}

/** Ids are the server's own and unique on its network (IRCv3 message-ids). */
function remoteId(id: string): RemoteId {
  return { scope: 'msgid', id, by: 'network' };
}

/** A label that is one of our wire ids: an echo that comes after we gave up on it still completes its part. */
function ourLabel(label: string | undefined): string | undefined {
  return label !== undefined && parseWireId(label) !== undefined ? label : undefined;
}
