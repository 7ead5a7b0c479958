import type { Alongside } from '#bus';
import type { NewMessage } from '#conversations';
import { asJson } from '#platform';

/** Whoever answers has read: the sender's mark moves up to the own message, in the statement that numbers it. */
export function ownMarks(messages: readonly NewMessage[]): Alongside {
  const rows = messages.flatMap(({ id, conversation, person }) =>
    person ? [{ id, conversation, person }] : [],
  );
  return {
    params: [asJson(rows)],
    ctes: (from) => `own_mark AS (
        INSERT INTO read_mark AS r (person_id, conversation_id, sequence)
        SELECT g.person, g.conversation, max(n.sequence)
        FROM json_to_recordset($${String(from)}::json) AS g(id uuid, conversation uuid, person uuid)
        JOIN numbered n ON n.subject = g.id AND n.type = 'message.created'
        GROUP BY g.person, g.conversation ORDER BY g.person, g.conversation
        ON CONFLICT (person_id, conversation_id) DO UPDATE SET sequence = greatest(r.sequence, excluded.sequence),
          version = r.version + 1, changed_at = now()
      )`,
  };
}
