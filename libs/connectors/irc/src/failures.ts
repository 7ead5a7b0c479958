/*
 * The network's complaints, translated once into our closed codes: socket errors, numerics, standard replies and the
 * free text of ERROR. Details are the server's own words, kept short and clean; never anything we sent.
 */
import { words } from '#connector/session';
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';

/** In this order: a text may fit several. */
const endings: readonly (readonly [pattern: RegExp, code: ErrorCode, remedy?: Remedy])[] = [
  [
    /\bthrottl|too (?:fast|quickly)|too many .{0,40}(?:connections|clients|clones|sessions|users)|(?:connection|session|clone) limit|connection class|connections? (?:in use|allowed)|maximum .{0,20}connections|no more connections|server (?:is )?full/i,
    'rate-limited',
  ],
  [/excess flood|max ?sendq|recvq exceeded|sendq exceeded|\bflood/i, 'rate-limited'],
  [
    /password (?:mismatch|incorrect)|bad password|invalid password|access denied: bad password/i,
    'auth-failed',
  ],
  [
    /sasl (?:access )?(?:only|required)|identify (?:via|with|using) sasl|requires? (?:sasl|an? (?:registered )?account)|must (?:be )?(?:logged in|identif|authenticat)/i,
    'auth-required',
  ],
  // The name service of old (RFC 1413), which a person must set up or do without.
  [/\bidentd\b|\bident (?:server|response|required|lookup|check)|no ident\b/i, 'not-allowed'],
  [
    /[kgzdqe][-:]?lined?\b|\bbanned\b|\bakill|not welcome|blacklist|blocklist|dnsbl|\brbl\b|dronebl|listed (?:in|on)|open proxy|proxy (?:found|detected)|tor exit/i,
    'banned',
  ],
  [/ping timeout|connection timed out|registration time(?:out|d out)|no ping response/i, 'timeout'],
  [/shut(?:ting)? ?down|server terminat|restarting|rehash|going down/i, 'server-shutdown'],
  [/nick(?:name)? collision/i, 'resource-conflict', 'retry'],
  // Thrown out by somebody, perhaps by ourselves from elsewhere: to come back at once would be a fight.
  [
    /\bkill(?:ed)?\b|ghost(?:ed)? command|nick(?:name)? regained|replaced by|overridden by/i,
    'resource-conflict',
  ],
  [/access denied|not authori[sz]ed|no authori[sz]ation|unauthori[sz]ed/i, 'not-allowed'],
];

/** Why the server ended the connection, from the text of its ERROR. */
export function endingFailure(text: string): Failure {
  const detail = words(text);
  for (const [pattern, code, remedy] of endings) {
    if (pattern.test(text)) return failure(code, detail, remedy);
  }
  return failure('network-unreachable', detail);
}

/**
 * Numerics that refuse something, whatever it was. RFC 1459 §6.1, RFC 2812 §5.2 and what the servers of today add;
 * where a numeric means different things on different servers, what is said holds for all of them.
 */
const numerics: Readonly<Record<string, readonly [ErrorCode, Remedy?]>> = {
  '401': ['not-found'], // no such nick
  '402': ['not-found'],
  '403': ['not-found'], // no such channel
  '404': ['not-allowed'], // cannot send to channel
  '405': ['not-allowed'], // too many channels
  '406': ['not-found'],
  '407': ['unsupported'], // too many targets
  '408': ['not-allowed'],
  '411': ['unsupported'],
  '412': ['unsupported'], // no text
  '413': ['not-found'],
  '414': ['not-found'],
  '415': ['not-found'],
  '417': ['too-large'], // line too long
  '421': ['unsupported'], // unknown command
  '437': ['resource-conflict', 'retry'], // channel or nick is unavailable for now
  '439': ['rate-limited'], // target change too fast
  '441': ['not-found'],
  '442': ['not-allowed'], // not on that channel
  '461': ['unsupported'],
  '470': ['not-allowed'], // forwarded to another channel
  '471': ['not-allowed', 'retry'], // channel is full
  '473': ['not-allowed'], // invite only
  '474': ['banned'],
  '475': ['auth-failed'], // wrong key
  '476': ['not-found', 'give-up'], // bad channel mask
  '477': ['auth-required'], // need a registered nick
  '479': ['not-found', 'give-up'], // illegal channel name
  '480': ['rate-limited'], // knock or join throttled
  '481': ['not-allowed'],
  '482': ['not-allowed'], // not an operator of that channel
  '484': ['not-allowed'],
  '486': ['auth-required'], // only registered nicks may write to them
  '488': ['not-allowed'],
  '489': ['not-allowed'], // TLS only
  '492': ['not-allowed'],
  '494': ['not-allowed'],
  '495': ['rate-limited'], // rejoin too soon after a kick
  '499': ['not-allowed'],
  '500': ['rate-limited'],
  '520': ['not-allowed'],
  '531': ['not-allowed'], // cannot send to user
  '609': ['not-allowed'],
  '716': ['not-allowed'], // they accept messages from friends only
  '723': ['not-allowed'],
  '926': ['banned'], // channel name is forbidden
};

/** What a refusing numeric means, or undefined where it refuses nothing that we know of. */
export function numericFailure(numeric: string, text: string | undefined): Failure | undefined {
  const known = numerics[numeric];
  return known && failure(known[0], words(text), known[1]);
}

/** What the code of a standard reply (`FAIL`, IRCv3) means. */
export function failFailure(code: string, text: string | undefined): Failure {
  const detail = words(text);
  if (/RATE|THROTTL|TOO_FAST|TOO_MANY/.test(code)) return failure('rate-limited', detail);
  if (/ACCOUNT_REQUIRED|NEED_REG|AUTH/.test(code)) return failure('auth-required', detail);
  if (
    /UNKNOWN_(?:COMMAND|TYPE)|INVALID_(?:UTF8|PARAMS|REFTAG)|MULTILINE_INVALID$|NEED_MORE_PARAMS/.test(code)
  ) {
    return failure('unsupported', detail);
  }
  if (/(?:UNKNOWN|INTERNAL|TEMPORARY)_ERROR/.test(code)) return failure('unknown', detail);
  if (/NO_SUCH|NOT_FOUND|UNKNOWN|INVALID_(?:MULTILINE_)?TARGET|INVALID_MSGID/.test(code))
    return failure('not-found', detail);
  if (/TOO_LONG|MAX_BYTES|MAX_LINES/.test(code)) return failure('too-large', detail);
  return failure('not-allowed', detail);
}
