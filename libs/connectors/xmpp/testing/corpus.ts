/*
 * Stanzas as servers deliver them, at least one for everything that a client may meet, in the words of the RFCs and the
 * XEPs. The fuzz takes its vocabulary from here, so what is written here is covered from the moment somebody listens.
 *
 * `{me}` is our full address, `{bare}` our bare one, `{domain}` our server, `{room}` a room that we are in, `{id}` is
 * drawn anew for each stanza.
 */

const message = (attrs: string, ...inside: readonly string[]): string =>
  `<message id='{id}' ${attrs}>${inside.join('')}</message>`;
const chat = (...inside: readonly string[]): string =>
  message("from='bob@{domain}/desk' to='{me}' type='chat'", ...inside);
const said = (...inside: readonly string[]): string =>
  message("from='{room}/bob' to='{me}' type='groupchat'", ...inside);
const presence = (attrs: string, ...inside: readonly string[]): string =>
  `<presence id='{id}' to='{me}' ${attrs}>${inside.join('')}</presence>`;
const occupant = (item: string, ...codes: readonly string[]): string =>
  `<x xmlns='http://jabber.org/protocol/muc#user'>${item}${codes.map((code) => `<status code='${code}'/>`).join('')}</x>`;
const iq = (type: string, from: string, inside: string): string =>
  `<iq id='{id}' type='${type}' from='${from}' to='{me}'>${inside}</iq>`;
const event = (from: string, items: string): string =>
  message(
    `from='${from}' to='{me}' type='headline'`,
    `<event xmlns='http://jabber.org/protocol/pubsub#event'>${items}</event>`,
  );
const forwarded = (
  inside: string,
  at = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>",
): string => `<forwarded xmlns='urn:xmpp:forward:0'>${at}${inside}</forwarded>`;
const inner = (attrs: string, ...inside: readonly string[]): string =>
  `<message xmlns='jabber:client' ${attrs}>${inside.join('')}</message>`;
const error = (type: string, condition: string): string =>
  `<error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>No.</text></error>`;
const form = (...fields: readonly string[]): string =>
  `<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>${fields.join('')}</x>`;

/** What a server may deliver to somebody who is online. */
export const corpus: readonly string[] = [
  // what is said
  chat('<body>hello</body>'),
  chat(
    "<body xml:lang='de'>hallo</body><body>hello</body><subject>about</subject><thread parent='t0'>t1</thread>",
  ),
  chat(
    "<body>kept</body><stanza-id xmlns='urn:xmpp:sid:0' by='{bare}' id='{id}-k'/><origin-id xmlns='urn:xmpp:sid:0' id='{id}-o'/>",
  ),
  chat(
    "<body>please say so</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>",
  ),
  chat("<received xmlns='urn:xmpp:receipts' id='{id}'/>"),
  chat("<displayed xmlns='urn:xmpp:chat-markers:0' id='{id}'/>"),
  ...['active', 'composing', 'paused', 'inactive', 'gone'].map((state) =>
    chat(`<${state} xmlns='http://jabber.org/protocol/chatstates'/>`),
  ),
  chat("<body>corrected</body><replace xmlns='urn:xmpp:message-correct:0' id='{id}'/>"),
  chat(
    "<reactions xmlns='urn:xmpp:reactions:0' id='{id}'><reaction>👍</reaction><reaction>🌷</reaction></reactions>",
  ),
  chat(
    "<retract xmlns='urn:xmpp:message-retract:1' id='{id}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/><body>taken back</body>",
  ),
  chat(
    "<body>&gt; hello\nand you</body><reply xmlns='urn:xmpp:reply:0' to='{bare}' id='{id}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='8'/></fallback>",
  ),
  chat('<body>*bold* _slanted_ ~gone~ `code`\n```\nblock\n```\n&gt; quoted</body>'),
  chat(
    "<body>https://files.example.org/a.png</body><x xmlns='jabber:x:oob'><url>https://files.example.org/a.png</url><desc>a</desc></x>",
  ),
  chat("<body>late</body><delay xmlns='urn:xmpp:delay' from='{domain}' stamp='2026-01-02T03:04:05.678Z'/>"),
  chat("<body>named</body><nick xmlns='http://jabber.org/protocol/nick'>Bob</nick>"),
  chat("<body>hinted</body><no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/>"),
  chat(
    "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted><body>encrypted</body>",
  ),
  message("from='bob@{domain}/desk' to='{me}'", '<body>of no type</body>'),
  message("from='{domain}' to='{me}' type='headline'", '<subject>Maintenance</subject><body>Tonight.</body>'),
  message(
    "from='bob@{domain}' to='{me}' type='error'",
    '<body>back</body>',
    error('cancel', 'service-unavailable'),
  ),
  message("from='bob@{domain}' to='{me}' type='error'", error('wait', 'resource-constraint')),
  // copies and archives
  message(
    "from='{bare}' to='{me}' type='chat'",
    `<received xmlns='urn:xmpp:carbons:2'>${forwarded(inner("from='bob@{domain}/x' to='{bare}/phone' type='chat' id='{id}-c'", '<body>to the phone</body>'), '')}</received>`,
  ),
  message(
    "from='{bare}' to='{me}' type='chat'",
    `<sent xmlns='urn:xmpp:carbons:2'>${forwarded(inner("from='{bare}/phone' to='bob@{domain}' type='chat' id='{id}-c'", '<body>from the phone</body>'), '')}</sent>`,
  ),
  message(
    "from='{bare}' to='{me}'",
    `<result xmlns='urn:xmpp:mam:2' queryid='{id}' id='{id}-a'>${forwarded(inner("from='bob@{domain}/x' to='{bare}' type='chat' id='{id}-m'", '<body>of old</body>'))}</result>`,
  ),
  message(
    "from='{room}' to='{me}'",
    `<result xmlns='urn:xmpp:mam:2' queryid='{id}' id='{id}-a'>${forwarded(inner("from='{room}/bob' type='groupchat' id='{id}-m'", '<body>of old</body>', occupant("<item jid='bob@{domain}/x' affiliation='none' role='participant'/>")))}</result>`,
  ),
  iq(
    'result',
    '{bare}',
    "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>a</first><last>b</last><count>2</count></set></fin>",
  ),
  // rooms
  said(
    "<body>hello all</body><stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='{id}-r'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='occ1'/>",
  ),
  said('<subject>the subject</subject>'),
  said("<body>of before</body><delay xmlns='urn:xmpp:delay' from='{room}' stamp='2026-01-02T03:04:05Z'/>"),
  said('<body>/me waves</body>'),
  said("<reactions xmlns='urn:xmpp:reactions:0' id='{id}-r'><reaction>👍</reaction></reactions>"),
  said(
    "<retract xmlns='urn:xmpp:message-retract:1' id='{id}-r'><moderated xmlns='urn:xmpp:message-moderate:1' by='{room}/mod'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='occ2'/></moderated><reason>rude</reason></retract>",
  ),
  message(
    "from='{room}/bob' to='{me}' type='chat'",
    "<body>psst</body><x xmlns='http://jabber.org/protocol/muc#user'/>",
  ),
  message("from='{room}' to='{me}' type='groupchat'", occupant('', '104', '172')),
  message(
    "from='{room}' to='{me}'",
    "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='bob@{domain}'><reason>come in</reason></invite><password>rose</password></x>",
  ),
  message(
    "from='{room}' to='{me}'",
    "<x xmlns='http://jabber.org/protocol/muc#user'><decline from='bob@{domain}'><reason>no</reason></decline></x>",
  ),
  message(
    "from='bob@{domain}/desk' to='{me}'",
    "<x xmlns='jabber:x:conference' jid='other@rooms.{domain}' password='rose' reason='come' continue='true' thread='t'/>",
  ),
  presence(
    "from='{room}/bob'",
    occupant("<item affiliation='member' role='participant' jid='bob@{domain}/x'/>"),
    "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='occ1'/>",
  ),
  presence(
    "from='{room}/alice'",
    occupant("<item affiliation='owner' role='moderator' jid='{me}'/>", '100', '110', '201', '210'),
  ),
  presence(
    "from='{room}/bob' type='unavailable'",
    occupant("<item affiliation='none' role='none' nick='robert'/>", '303'),
  ),
  presence(
    "from='{room}/alice' type='unavailable'",
    occupant(
      "<item affiliation='none' role='none'><actor nick='mod'/><reason>loud</reason></item>",
      '110',
      '307',
    ),
  ),
  presence(
    "from='{room}/alice' type='unavailable'",
    occupant("<item affiliation='outcast' role='none'/>", '110', '301'),
  ),
  presence(
    "from='{room}/alice' type='unavailable'",
    "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='none'/><destroy jid='next@rooms.{domain}'><reason>moved</reason></destroy></x>",
  ),
  presence(
    "from='{room}/alice' type='unavailable'",
    occupant("<item affiliation='none' role='none'/>", '110', '321', '322', '332', '333'),
  ),
  presence(
    "from='{room}/alice' type='error'",
    "<x xmlns='http://jabber.org/protocol/muc'/>",
    error('cancel', 'conflict'),
  ),
  // people
  presence(
    "from='bob@{domain}/desk'",
    "<show>dnd</show><status>busy</status><priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://x.example.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/><x xmlns='vcard-temp:x:update'><photo>da39a3ee5e6b4b0d3255bfef95601890afd80709</photo></x><idle xmlns='urn:xmpp:idle:1' since='2026-01-02T03:04:05Z'/>",
  ),
  presence("from='bob@{domain}/desk' type='unavailable'", '<status>gone</status>'),
  ...['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'].map((type) =>
    presence(`from='bob@{domain}' type='${type}'`),
  ),
  iq(
    'set',
    '{bare}',
    "<query xmlns='jabber:iq:roster' ver='v9'><item jid='bob@{domain}' name='Bob' subscription='both' ask='subscribe' approved='true'><group>Friends</group></item></query>",
  ),
  iq(
    'set',
    '{bare}',
    "<query xmlns='jabber:iq:roster'><item jid='bob@{domain}' subscription='remove'/></query>",
  ),
  iq('set', '{bare}', "<block xmlns='urn:xmpp:blocking'><item jid='mallory@{domain}'/></block>"),
  iq('set', '{bare}', "<unblock xmlns='urn:xmpp:blocking'/>"),
  iq(
    'result',
    'bob@{domain}',
    "<vCard xmlns='vcard-temp'><FN>Bob</FN><NICKNAME>bo</NICKNAME><PHOTO><TYPE>image/png</TYPE><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO></vCard>",
  ),
  event(
    'bob@{domain}',
    "<items node='http://jabber.org/protocol/nick'><item id='current'><nick xmlns='http://jabber.org/protocol/nick'>Bobby</nick></item></items>",
  ),
  event(
    'bob@{domain}',
    "<items node='urn:xmpp:avatar:metadata'><item id='da39a3ee5e6b4b0d3255bfef95601890afd80709'><metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='1' id='da39a3ee5e6b4b0d3255bfef95601890afd80709' type='image/png' width='1' height='1' url='https://x.example.org/a.png'/></metadata></item></items>",
  ),
  event(
    '{bare}',
    "<items node='urn:xmpp:bookmarks:1'><item id='{room}'><conference xmlns='urn:xmpp:bookmarks:1' name='Lounge' autojoin='true'><nick>alice</nick><password>rose</password><extensions/></conference></item></items>",
  ),
  event('{bare}', "<items node='urn:xmpp:bookmarks:1'><retract id='{room}'/></items>"),
  event('{bare}', "<purge node='urn:xmpp:bookmarks:1'/>"),
  event('{bare}', "<delete node='urn:xmpp:bookmarks:1'/>"),
  // questions and answers
  iq('get', '{domain}', "<ping xmlns='urn:xmpp:ping'/>"),
  iq('get', 'bob@{domain}/desk', "<query xmlns='http://jabber.org/protocol/disco#info' node='x#y'/>"),
  iq('get', 'bob@{domain}/desk', "<query xmlns='http://jabber.org/protocol/disco#items'/>"),
  iq('get', 'bob@{domain}/desk', "<query xmlns='jabber:iq:version'/>"),
  iq('get', 'bob@{domain}/desk', "<time xmlns='urn:xmpp:time'/>"),
  iq('get', 'bob@{domain}/desk', "<query xmlns='jabber:iq:last'/>"),
  iq(
    'result',
    '{domain}',
    "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='x' xml:lang='en'/><feature var='urn:xmpp:mam:2'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/network/serverinfo</value></field><field var='abuse-addresses' type='list-multi'><value>mailto:abuse@example.org</value></field></x></query>",
  ),
  iq(
    'result',
    'rooms.{domain}',
    "<query xmlns='http://jabber.org/protocol/disco#items'><item jid='{room}' name='Lounge'/><item jid='x' node='y'/></query>",
  ),
  iq(
    'result',
    '{bare}',
    `<query xmlns='jabber:iq:roster' ver='v1'><item jid='bob@{domain}' subscription='both'/></query>`,
  ),
  iq(
    'result',
    '{bare}',
    "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'><item id='{room}'><conference xmlns='urn:xmpp:bookmarks:1' autojoin='1'/></item></items></pubsub>",
  ),
  iq(
    'result',
    '{room}',
    `<query xmlns='http://jabber.org/protocol/muc#owner'>${form("<field var='muc#roomconfig_roomname' type='text-single' label='Name'><value>Lounge</value></field>", "<field var='muc#roomconfig_publicroom' type='boolean'><required/><value>1</value></field>", "<field var='muc#roomconfig_whois' type='list-single'><value>anyone</value><option label='All'><value>anyone</value></option></field>")}</query>`,
  ),
  iq(
    'result',
    '{room}',
    "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='bob@{domain}' nick='bob'><reason>x</reason></item></query>",
  ),
  iq(
    'result',
    'upload.{domain}',
    "<slot xmlns='urn:xmpp:http:upload:0'><put url='https://upload.example.org/p'><header name='Authorization'>Basic x</header></put><get url='https://upload.example.org/g'/></slot>",
  ),
  iq(
    'result',
    'bot@{domain}/x',
    `<command xmlns='http://jabber.org/protocol/commands' node='ping' sessionid='1' status='executing'><actions execute='next'><next/></actions>${form()}<note type='info'>x</note></command>`,
  ),
  iq('error', '{domain}', error('cancel', 'feature-not-implemented')),
  iq('error', '{room}', `<query xmlns='http://jabber.org/protocol/muc#admin'/>${error('auth', 'forbidden')}`),
  // what is no stanza
  "<r xmlns='urn:xmpp:sm:3'/>",
  "<a xmlns='urn:xmpp:sm:3' h='0'/>",
  "<enabled xmlns='urn:xmpp:sm:3' id='x' resume='true' max='60' location='[::1]:5222'/>",
  "<failed xmlns='urn:xmpp:sm:3' h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
];

/** What a server may say to somebody who is not in yet. */
export const beforeCorpus: readonly string[] = [
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
  "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session><sm xmlns='urn:xmpp:sm:3'/><ver xmlns='urn:xmpp:features:rosterver'/><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits></stream:features>",
  "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>EXTERNAL</mechanism></mechanisms><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding><register xmlns='http://jabber.org/features/iq-register'/></stream:features>",
  "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1hYmMscz1hYmNk LGk9NDA5Ng==</challenge>",
  "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1hYmMscz1hYmNkLGk9OTk5OTk5OTk5</challenge>",
  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1hYmM=</success>",
  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
  "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text xml:lang='en'>No.</text></failure>",
  "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
  "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
  "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{me}</jid></bind></iq>",
  "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
  "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Replaced</text></stream:error>",
  "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>[::1]:5222</see-other-host></stream:error>",
  "<resumed xmlns='urn:xmpp:sm:3' h='1' previd='x'/>",
  '</stream:stream>',
];
