/* What the residents have to say. */

/** One step of a scene: who, and what they do. `last` is the message that was said before. */
export type Step =
  | { readonly who: Who; readonly say: string }
  | { readonly who: Who; readonly lines: readonly string[] }
  | { readonly who: Who; readonly act: string }
  | { readonly who: Who; readonly react: string }
  | { readonly who: Who; readonly topic: string }
  | { readonly who: Who; readonly away: string }
  | { readonly who: Who; readonly back: true }
  /** Says something and takes it back again. */
  | { readonly who: Who; readonly slip: string };

export type Who = 'bob' | 'carol';

const bold = (text: string): string => `\x02${text}\x02`;
const italic = (text: string): string => `\x1d${text}\x1d`;
const mono = (text: string): string => `\x11${text}\x11`;
const green = (text: string): string => `\x0303${text}\x03`;

export const scenes: readonly (readonly Step[])[] = [
  [
    { who: 'bob', say: `good morning, ${bold('lounge')}! anybody awake?` },
    { who: 'carol', say: 'bob: only just. is there coffee?' },
    { who: 'bob', act: 'pours two cups' },
    { who: 'carol', react: '☕' },
    { who: 'carol', say: 'you are a good person' },
  ],
  [
    { who: 'bob', topic: 'Say something here, and one of us will answer' },
    { who: 'carol', say: 'good topic. I hear that somebody may drop in today' },
    { who: 'bob', react: '👍' },
  ],
  [
    { who: 'carol', say: `did you see the garden? the tulips are ${green('finally')} out` },
    { who: 'bob', say: 'I did! https://garden.example.org/tulips?bed=42' },
    { who: 'carol', react: '🌷' },
    { who: 'bob', slip: 'my password is hunter2' },
    { who: 'carol', say: 'bob: I saw nothing :-)' },
  ],
  [
    { who: 'bob', lines: ['a poem:', 'a gate that is open', 'needs no key,', 'come in and talk to me'] },
    { who: 'carol', react: '👏' },
    { who: 'carol', say: `${italic('beautiful')}. I would hang it on the wall` },
  ],
  [
    { who: 'bob', say: 'I must water the plants, back soon' },
    { who: 'bob', away: 'watering the plants' },
    { who: 'carol', act: 'hums a tune' },
    { who: 'carol', say: `to list who is here, try ${mono('/names')}` },
    { who: 'bob', back: true },
    { who: 'bob', say: 'back again. what did I miss?' },
    { who: 'carol', say: 'a tune' },
  ],
];

/** An answer to whoever talks to a resident. Different words each time: `turn` counts the answers given. */
export function answerTo(nick: string, said: string, turn: number): string {
  const text = said.replace(/^\x01ACTION (.*)\x01$/, '$1').replace(/[\x00-\x1f]\d{0,2}/g, '');
  const rules: readonly (readonly [RegExp, readonly string[]])[] = [
    [
      /\b(?:hi|hello|hey|good (?:morning|evening|day)|greetings)\b/i,
      [`hello ${nick}, good to see you!`, `hey ${nick}! come in`],
    ],
    [/\b(?:bye|good night|see you)\b/i, [`see you, ${nick}!`, `good night, ${nick}`]],
    [/\bthank/i, ['any time', `you are welcome, ${nick}`]],
    [
      /\b(?:help|what can)\b/i,
      [
        `${nick}: write to me alone, reply to one of us, react to something, or change the topic: it all gets here`,
      ],
    ],
    [/\bjoke\b/i, ['why did the packet cross the road? because the route was shorter there']],
    [
      /\?\s*$/,
      [
        `${nick}: good question. I would say yes`,
        `${nick}: hm, let me think. no idea!`,
        `${nick}: who knows? ask me again tomorrow`,
      ],
    ],
  ];
  const found = rules.find(([pattern]) => pattern.test(text))?.[1];
  const some = text.split(/\s+/).slice(0, 6).join(' ');
  const answers = found ?? [
    `${nick}: "${some}", you say? tell me more`,
    `${nick}: I like that`,
    `${nick}: and then?`,
  ];
  return answers[turn % answers.length] ?? '';
}
