/* What no server should send, ready to be sent. */

/** Texts that break the rules of the stream, or the patience of whoever reads it. */
export const nasties = {
  'unknown entity': '<message from="mallory@xmpp.sandbox"><body>&nasty;</body></message>',
  doctype: '<!DOCTYPE lolz [<!ENTITY lol "lol">]><message><body>&lol;</body></message>',
  comment: '<!-- nobody may say this here -->',
  'processing instruction': '<?php echo 1 ?>',
  'control character': '<message><body>a\u0001b</body></message>',
  'control character by reference': '<message><body>a&#0;b</body></message>',
  'attribute twice': '<message from="alice@xmpp.sandbox" from="mallory@xmpp.sandbox"/>',
  'unbound prefix': '<nobody:knows/>',
  'tags crossed': '<message><body></message></body>',
  'end of something else': '</nothing>',
  'text between stanzas': 'hello there',
  'bare ampersand': '<message><body>fish & chips</body></message>',
  'open angle in an attribute': '<message from="<"/>',
  'second header': '<stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:client">',
  'wrong namespace': '<message xmlns="jabber:server"><body>hi</body></message>',
  'unknown element': '<gibberish xmlns="urn:nobody:knows"><deep><deeper/></deep></gibberish>',
} as const;

export type Nasty = keyof typeof nasties;

/** A stanza with a body of so many characters. */
export function oversized(characters: number): string {
  return `<message><body>${'x'.repeat(characters)}</body></message>`;
}

/** A stanza with so many elements in each other. */
export function deep(levels: number): string {
  return `<message>${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}</message>`;
}
