/** Characters of what is answered that are enough to know it by. */
const most = 200;

/** The beginning of a message that is answered, as a quotation above the answer: `> ` before each line; nothing of nothing. */
export function quoteOf(text: string): string {
  const whole = Array.from(text.trim());
  if (whole.length === 0) return '';
  const head = whole.length > most ? `${whole.slice(0, most).join('')}…` : whole.join('');
  return head
    .split(/\r\n|\r|\n/)
    .map((line) => `> ${line}\n`)
    .join('');
}
