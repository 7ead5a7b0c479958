/*
 * Invitations to rooms: from person to person (XEP-0249), and through the room (XEP-0045 §7.8.2), which lets a member
 * bring somebody into a room that is for members only. Whoever invites is told in the room that the invitation is to; a
 * password that comes with it is kept until the room is entered.
 */
import type { InboundParty } from '#connector';
import { remember } from '#connector/session';
import type { Service } from './core/port.js';
import { xml, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Rooms } from './rooms.js';
import { directInvite, directInviteIn, directInviteNs } from './xep/0249.js';
import { inviting, mucUserIn } from './xep/0045.js';
import { addressOf, bareOf, roomAddress } from './xmpp.addresses.js';

/** The same invitation again within this time says nothing new: clients send it both ways. */
const sameMs = 60_000;
const mostKept = 200;

export class Invitations implements Service {
  readonly features = [directInviteNs];
  readonly #parts: Parts;
  readonly #rooms: Rooms;
  /** By room and inviter: when, monotonic. */
  readonly #told = new Map<string, number>();

  constructor(parts: Parts, rooms: Rooms) {
    this.#parts = parts;
    this.#rooms = rooms;
  }

  hear(stanza: Element): boolean {
    const { type } = stanza.attrs;
    if (stanza.getName() !== 'message' || type === 'error' || type === 'groupchat') return false;
    const from = addressOf(stanza.attrs['from']);
    if (from === undefined) return false;
    const room = roomAddress(from);
    const user = room === undefined ? undefined : mucUserIn(stanza);
    const [invite] = user?.invites ?? [];
    // Rooms add the other form for old clients: it is still the room that speaks.
    if (room !== undefined && invite !== undefined) {
      const by = this.#inviterOf(room, addressOf(invite.from));
      this.#invited(room, by, invite.reason, user?.password);
      return true;
    }
    const direct = directInviteIn(stanza);
    const to = direct && roomAddress(direct.jid);
    if (direct === undefined || to === undefined) return false;
    // Somebody in a room invites in private: then that is who they are.
    const inRoom = this.#rooms.isRoom(bareOf(from) ?? '');
    const by: InboundParty = inRoom
      ? this.#rooms.partyOf(from)
      : { address: bareOf(from) ?? from, kind: 'stable' };
    this.#invited(to, by, direct.reason, direct.password);
    return true;
  }

  /**
   * Invites somebody. Through the room where it is for members only, so that they can come in; else from us to them,
   * which no room can get in the way of.
   */
  invite(room: string, who: string, how: { readonly through: boolean; readonly reason?: string }): void {
    const password = this.#rooms.room(room)?.password;
    const { through, reason } = how;
    const invitation = through
      ? xml('message', { to: room }, inviting(who, reason))
      : xml(
          'message',
          { to: who },
          directInvite({
            jid: room,
            ...(password !== undefined && { password }),
            ...(reason !== undefined && { reason }),
          }),
        );
    this.#parts.port.send(invitation);
  }

  #inviterOf(room: string, inviter: string | undefined): InboundParty {
    const jid = bareOf(inviter);
    if (inviter === undefined || jid === undefined) return { address: room, kind: 'stable' };
    // Some name whoever invites as they are called inside.
    if (jid === room) return this.#rooms.partyOf(inviter);
    // A room elsewhere may name anybody: then it is the room that invites.
    return this.#rooms.vouchedFor(room, jid) ?? { address: room, kind: 'stable' };
  }

  #invited(room: string, by: InboundParty, reason: string | undefined, password: string | undefined): void {
    const { context, inlet, account, port } = this.#parts;
    const now = context.clock.monotonic();
    if (password !== undefined) this.#rooms.keepPassword(room, password);
    // Both ways at once, they name the inviter differently.
    const last = this.#told.get(room);
    if (last !== undefined && now - last < sameMs) return;
    remember(this.#told, room, now, mostKept);
    const detail = reason === undefined ? port.self.bare : `${port.self.bare}: ${reason}`;
    const at = new Date(context.clock.now());
    inlet.push({
      type: 'room',
      account,
      conversation: room,
      conversationKind: 'room',
      act: 'invite',
      detail,
      by,
      at,
    });
  }
}
