import { sql } from 'kysely'
import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'

const OkSchema = Type.Object({ status: Type.Literal('ok') })
/** Milliseconds that the database has to answer. */
const databaseDeadline = 2_000

/** The process lives and the database answers. */
export function healthRoute(app: App, { db }: WebServices): void {
  const schema = { summary: 'The process lives and the database answers', response: answers(OkSchema) }
  app.get('/health', { schema }, async () => {
    await inTime(sql`select 1`.execute(db))
    return { status: 'ok' as const }
  })
}

/** Builds may start. */
export function readyRoute(app: App, { ready }: WebServices): void {
  app.get('/ready', { schema: { summary: 'Builds may start', response: answers(OkSchema) } }, () => {
    if (!ready()) throw new RouseError('ROUSE_NOT_READY', 'the master is starting or stopping')
    return { status: 'ok' as const }
  })
}

async function inTime(query: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), databaseDeadline)
  })
  try {
    await Promise.race([query, late])
  } catch (cause) {
    throw new RouseError('ROUSE_DATABASE_FAILED', 'the database does not answer', { cause })
  } finally {
    clearTimeout(timer)
  }
}
