import type { BuilderConfig } from '../config/types.ts'
import type { Place } from '../fleet/worker.ts'
import { Properties } from '../model/properties.ts'
import { addedBy } from './added-by.ts'
import type { BuildTools } from './build-tools.ts'
import type { PendingRequest } from './pending-queue.ts'
import { RunningBuild } from './running-build.ts'
import type { ClaimedStep } from './store-claim.ts'
import type { UnfinishedBuild, UnfinishedStep } from './take-up.ts'

interface ResumeOptions {
  readonly builder: BuilderConfig | undefined
  readonly place: Place
  readonly request: PendingRequest
  readonly tools: BuildTools
}

/**
 * A build that an earlier master began, to be run on: what has ended is not run again, and the step in flight gets its
 * stored results. When the builder's steps are others now, the build only waits for the command in flight and is begun afresh.
 */
export function resumeBuild(
  stored: UnfinishedBuild,
  { builder, place, request, tools }: ResumeOptions,
): RunningBuild {
  const added = new Set(stored.steps.flatMap((step) => addedBy(step.stored)))
  const planned = stored.steps.filter(({ id }) => !added.has(id))
  const changed = builder === undefined || !sameSteps(planned, builder)
  const { attempt, buildsetId, id, infraFailures, properties, reason, requestId, runId, source } = stored
  const claimed = {
    id,
    requestId,
    buildsetId,
    attempt,
    infraFailures,
    reason,
    source,
    properties: new Properties(properties),
    steps: stored.steps.map((step) => claimedStep(step, builder?.steps[planned.indexOf(step)])),
  }
  const known = builder ?? { name: stored.builder, workers: [], steps: [] }
  return new RunningBuild({ claimed, request, place, runId, builder: known, tools, changed })
}

/** The request as the queue would know it. */
export function requestOf({ builder, priority, requestId, waitedFor }: UnfinishedBuild): PendingRequest {
  return { id: requestId, builder, priority, notBefore: 0, avoidWorker: undefined, waitedFor }
}

function sameSteps(stored: readonly UnfinishedStep[], { steps }: BuilderConfig): boolean {
  return stored.length === steps.length && stored.every(({ name }, i) => name === steps[i]!.name)
}

function claimedStep(
  { id, number, result, stored, summary }: UnfinishedStep,
  step: ClaimedStep['step'],
): ClaimedStep {
  if (result === null) return { id, number, step, stored }
  return { id, number, step, stored, ended: summary === null ? { result } : { result, summary } }
}
