import { render, type PropertyValue, type Renderable } from '../model/properties.ts'
import { worse, type Result } from '../model/results.ts'
import { flagsOf, unknownOptions } from './options.ts'
import type { Step, StepContext, StepFlags, StepOutcome, TriggerOutcome } from './step.ts'

export interface TriggerOptions extends StepFlags {
  /** Default: 'trigger' and the builders. */
  readonly name?: string
  /** Builders of this config: one build of each is requested. */
  readonly builders: readonly string[]
  /** Waits for the builds, whose worst result becomes the step's. A cancelled build cancels what it waits for. Default false. */
  readonly waitForFinish?: boolean
  /** Set on the new builds. */
  readonly properties?: Readonly<Record<string, Renderable<PropertyValue>>>
  /** Gives the new builds the revision that was checked out here (`got_revision`). Default true. */
  readonly updateSourceStamp?: boolean
  /** Of the new requests. Default: this build's own. */
  readonly priority?: number
}

/** Requests builds of other builders, with this build's source. */
export function trigger(options: TriggerOptions): Step {
  const { builders, name } = options
  const mistakes = mistakesOf(options)
  return Object.freeze<Step>({
    kind: 'step',
    type: 'trigger',
    name: name ?? `trigger ${String(builders)}`.slice(0, 60),
    ...flagsOf(options),
    mistakes: [...mistakes, ...unknownOptions(options, optionNames)],
    ...(mistakes.length === 0 && { builders }),
    run: (context) => run(context, options),
  })
}

async function run(context: StepContext, options: TriggerOptions): Promise<StepOutcome> {
  const { builders, priority, properties = {}, updateSourceStamp = true, waitForFinish = false } = options
  const revision = context.properties.get('got_revision')
  const outcome = await context.trigger({
    builders,
    wait: waitForFinish,
    properties: render<unknown>(properties, context.properties) as Record<string, PropertyValue>,
    ...(priority === undefined ? {} : { priority }),
    ...(updateSourceStamp && typeof revision === 'string' ? { source: { revision } } : {}),
  })
  for (const { builder, id, result } of outcome.requests)
    await context.note(`r${id} ${builder}: ${result ?? 'requested'}`)
  return waitForFinish ? combined(outcome) : { result: 'SUCCESS', summary: requested(outcome) }
}

function combined({ requests }: TriggerOutcome): StepOutcome {
  const results = requests.map(({ result }) => result ?? 'EXCEPTION')
  const counts = new Map<Result, number>()
  for (const result of results) counts.set(result, (counts.get(result) ?? 0) + 1)
  const summary = [...counts].map(([result, count]) => `${count} ${result.toLowerCase()}`).join(', ')
  return { result: results.reduce(worse), summary }
}

function requested({ requests }: TriggerOutcome): string {
  return requests.map(({ id }) => `r${id}`).join(', ')
}

function mistakesOf({ builders, priority = 0 }: TriggerOptions): string[] {
  const names: unknown = builders
  const isList = Array.isArray(names) && names.length > 0 && names.every((n) => typeof n === 'string' && n)
  return [
    ...(isList ? [] : ['builders: must be an array with at least one name of a builder']),
    ...(isList && new Set(names).size < names.length ? ['builders: a name is there twice'] : []),
    ...(Number.isSafeInteger(priority) && Math.abs(priority) <= maxPriority
      ? []
      : [`priority: must be an integer from -${maxPriority} to ${maxPriority}`]),
  ]
}

const optionNames = ['name', 'builders', 'waitForFinish', 'properties', 'updateSourceStamp', 'priority']
const maxPriority = 1_000_000
