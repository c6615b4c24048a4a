import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ArtifactFacts, BuildFacts, StepFacts } from '../facts.ts'
import { loadRequest } from './request.ts'

export async function loadBuild(db: Kysely<Database>, id: number): Promise<BuildFacts | undefined> {
  const row = await db
    .selectFrom('builds as u')
    .innerJoin('workers as w', 'w.id', 'u.worker_id')
    .select([
      'u.id',
      'u.request_id',
      'u.attempt',
      'w.name as worker',
      'u.started_at',
      'u.finished_at',
      'u.result',
      'u.summary',
      'u.cancel_reason',
    ])
    .where('u.id', '=', id)
    .executeTakeFirst()
  const request = row && (await loadRequest(db, row.request_id))
  if (!request) return undefined
  return {
    id: row.id,
    request,
    attempt: row.attempt,
    worker: row.worker,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    result: row.result,
    summary: row.summary,
    cancelReason: row.cancel_reason,
    properties: await propertiesOf(db, id),
    steps: await stepsOf(db, id),
    artifacts: await artifactsOf(db, id),
  }
}

function propertiesOf(db: Kysely<Database>, build: number) {
  return db
    .selectFrom('build_properties')
    .select(['name', 'value', 'source'])
    .where('build_id', '=', build)
    .orderBy('name')
    .limit(maxRows)
    .execute()
}

async function stepsOf(db: Kysely<Database>, build: number): Promise<StepFacts[]> {
  const steps = await db
    .selectFrom('steps')
    .select(['id', 'number', 'name', 'result', 'summary', 'started_at', 'finished_at'])
    .where('build_id', '=', build)
    .orderBy('number')
    .limit(maxRows)
    .execute()
  if (steps.length === 0) return []
  const logs = await db
    .selectFrom('logs')
    .select(['id', 'step_id', 'name', 'bytes'])
    .where(
      'step_id',
      'in',
      steps.map((step) => step.id),
    )
    .orderBy('id')
    .limit(maxRows)
    .execute()
  const byStep = Map.groupBy(logs, (log) => log.step_id)
  return steps.map((step) => ({
    number: step.number,
    name: step.name,
    result: step.result,
    summary: step.summary,
    startedAt: step.started_at,
    finishedAt: step.finished_at,
    logs: (byStep.get(step.id) ?? []).map(({ id, name, bytes }) => ({ id, name, bytes })),
  }))
}

function artifactsOf(db: Kysely<Database>, build: number): Promise<ArtifactFacts[]> {
  return db
    .selectFrom('artifacts')
    .select(['id', 'name', 'size', 'type'])
    .where('build_id', '=', build)
    .orderBy('name')
    .limit(maxRows)
    .execute()
}

const maxRows = 1000
