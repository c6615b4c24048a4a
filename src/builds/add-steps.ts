import { sql, type Transaction } from 'kysely'
import { jsonb } from '../db/jsonb.ts'
import type { Database } from '../db/schema.ts'
import { RouseError } from '../model/errors.ts'
import type { Step } from '../steps/step.ts'
import { addedBy, addedKind, type AddedSteps } from './added-by.ts'
import type { StepHost } from './build-tools.ts'
import type { StepEffects } from './step-effects.ts'

interface AddSteps {
  readonly stepId: number
  readonly call: string
  readonly effects: StepEffects
  readonly steps: readonly Step[]
}

/**
 * Adds steps to the build, right after the one that asks. What they do is known to the config only: a master that takes the
 * build up runs the asking step again, with its stored answers, to learn it.
 */
export async function addSteps(host: StepHost, { call, effects, stepId, steps }: AddSteps): Promise<void> {
  if (!Array.isArray(steps)) throw new RouseError('ROUSE_STEP_INVALID', 'addSteps takes an array of steps')
  const added = steps.map((step: unknown) => checked(step, host.heldLocks))
  const names = added.map(({ name }) => name)
  const before = effects.before(call, addedKind, { names })
  if (before) return host.plan.define((before.result as AddedSteps).steps, added)
  const ids = await host.commit.write((trx) =>
    storeAddedSteps(trx, { buildId: host.facts.id, stepId, call, names }),
  )
  if (!ids) throw new RouseError('ROUSE_STEP_INVALID', `a build has at most ${maxSteps} steps`)
  host.plan.insert(stepId, ids, added)
  for (const [i, step] of ids.entries()) {
    const number = host.plan.numberOf(step)
    host.tools.publish({ type: 'step.added', build: host.facts.id, step, number, name: names[i]! })
  }
}

interface NewSteps {
  readonly buildId: number
  readonly stepId: number
  readonly call: string
  readonly names: readonly string[]
}

/**
 * Makes room after the step and what it has added before, and returns the ids of the new ones; undefined when they are too
 * many. May run again after a commit whose answer was lost: then it finds what it made.
 */
export async function storeAddedSteps(
  trx: Transaction<Database>,
  { buildId, call, names, stepId }: NewSteps,
): Promise<readonly number[] | undefined> {
  const existing = await trx
    .selectFrom('steps')
    .select(['id', 'number'])
    .where('build_id', '=', buildId)
    .forUpdate()
    .execute()
  const effects = await trx
    .selectFrom('effects')
    .select(['call', 'kind', 'request', 'result'])
    .where('step_id', '=', stepId)
    .where('kind', '=', addedKind)
    .execute()
  const before = effects.find((effect) => effect.call === call)
  if (before) return (before.result as AddedSteps).steps
  if (existing.length + names.length > maxSteps) return undefined
  const earlier = addedBy({ effects }).length
  const at = existing.find(({ id }) => id === stepId)!.number + earlier
  if (names.length > 0) {
    // By way of negative numbers, for each must be unique at every moment.
    await trx
      .updateTable('steps')
      .set({ number: sql<number>`-number - ${names.length}` })
      .where('build_id', '=', buildId)
      .where('number', '>', at)
      .execute()
    await trx
      .updateTable('steps')
      .set({ number: sql<number>`-number` })
      .where('build_id', '=', buildId)
      .where('number', '<', 0)
      .execute()
  }
  const rows = names.map((name, i) => ({ build_id: buildId, number: at + 1 + i, name }))
  const made =
    rows.length === 0 ? [] : await trx.insertInto('steps').values(rows).returning(['id', 'number']).execute()
  const ids = made.toSorted((a, b) => a.number - b.number).map(({ id }) => id)
  const result: AddedSteps = { steps: ids }
  await trx
    .insertInto('effects')
    .values({ step_id: stepId, call, kind: addedKind, request: jsonb({ names }), result: jsonb(result) })
    .execute()
  return ids
}

/** As `rouse check` looks at the steps of a config. */
function checked(step: unknown, heldLocks: ReadonlySet<string>): Step {
  const { kind, locks = [], mistakes = [], name, run } = Object(step) as Partial<Step>
  if (kind !== 'step' || typeof run !== 'function' || typeof name !== 'string' || !/^[^\0]+$/s.test(name))
    throw new RouseError('ROUSE_STEP_INVALID', 'addSteps takes steps such as shell(...), each with a name')
  if (mistakes.length > 0)
    throw new RouseError('ROUSE_STEP_INVALID', `step "${name}": ${mistakes.join('; ')}`)
  const held = locks.find(({ lock }) => heldLocks.has(lock.name))
  if (held)
    throw new RouseError(
      'ROUSE_STEP_INVALID',
      `step "${name}": its build holds lock "${held.lock.name}" already: the step would wait for ever`,
    )
  return step as Step
}

/** Of one build: a loop that adds steps must come to an end. */
const maxSteps = 1000
