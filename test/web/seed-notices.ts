import type { Kysely } from 'kysely'
import type { Database } from '../../src/db/schema.ts'

/** A mail that waits, a status that was sent, one that was dropped; and the target of the mail, which fails. Returns their ids. */
export async function seedNotices(db: Kysely<Database>): Promise<number[]> {
  const events = ['worker.missing' as const, 'request.completed' as const]
  await db
    .insertInto('reporters')
    .values(['mail', 'github'].map((name) => ({ name, kind: name, events })))
    .execute()
  const error = JSON.stringify({ message: 'the connection was refused', advice: 'Start the relay.' })
  const missing = { type: 'worker.missing', worker: 'bot', since: '', reason: 'away', builds: [] }
  const completed = JSON.stringify({ type: 'request.completed', request: 1, result: 'SUCCESS' })
  const now = new Date()
  const common = { expires_at: new Date(now.getTime() + 3_600_000), content: '{}' }
  const rows = await db
    .insertInto('notices')
    .values([
      {
        ...common,
        key: 'a',
        reporter: 'mail',
        event: JSON.stringify({ ...missing, lastAddress: null, lastSeenAt: null }),
        state: 'waiting',
        target: 'bob@acme.example',
        subject: 'worker bot is missing',
        attempts: 2,
        error,
      },
      {
        ...common,
        key: 'b',
        reporter: 'github',
        event: completed,
        state: 'sent',
        target: 'acme/app',
        subject: 'rouse/unit: success',
        attempts: 1,
        ended_at: now,
      },
      {
        ...common,
        key: 'c',
        reporter: 'github',
        event: completed,
        state: 'dropped',
        target: 'acme/app',
        subject: 'rouse/unit: pending',
        error: JSON.stringify({ message: 'a newer one says what is true now' }),
        ended_at: now,
      },
    ])
    .returning('id')
    .execute()
  const target = { reporter: 'mail', target: 'bob@acme.example', failures: 7, error }
  await db
    .insertInto('notice_targets')
    .values({ ...target, failing_since: now, held_until: now })
    .execute()
  return rows.map(({ id }) => id)
}
