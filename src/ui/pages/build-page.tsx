import { useCallback, useMemo } from 'preact/hooks'
import type { ApiBuild, ApiForceAnswer, ApiStep } from '../../web/api.ts'
import { post, type List } from '../api.ts'
import type { LiveEvent } from '../live/event-stream.ts'
import { useResource } from '../live/use-resource.ts'
import { Action } from '../parts/action.tsx'
import { ArtifactList } from '../parts/artifact-list.tsx'
import { Badge } from '../parts/badge.tsx'
import { describeSource } from '../parts/build-table.tsx'
import { Facts, showValue } from '../parts/facts.tsx'
import { StepRow } from '../parts/step-row.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { money } from '../money.ts'
import { link } from '../route.ts'
import { duration, useNow } from '../time.ts'

export function BuildPage({ id }: { id: number }) {
  const changes = useCallback(
    (event: LiveEvent) => 'build' in event && event.build === id && !event.type.startsWith('log.'),
    [id],
  )
  const { data: build, error, reload } = useResource<ApiBuild>(`/builds/${id}`, changes)
  const { data: steps } = useResource<List<ApiStep>>(`/builds/${id}/steps`, changes)
  const shown = useMemo(() => stepToShow(steps?.items ?? []), [steps])
  if (!build) return <Trouble error={error} />
  const cancel = async () => {
    await post(`/builds/${id}/cancel`)
    reload()
  }
  const rebuild = async () => {
    await post<ApiForceAnswer>(`/builds/${id}/rebuild`)
    location.hash = link('builders', build.builder)
  }
  return (
    <>
      <div class="heading">
        <h1>
          <a href={link('builders', build.builder)}>{build.builder}</a> <span class="faint">#{id}</span>
        </h1>
        <Badge result={build.result} />
        <span class="grow">{build.summary}</span>
        {build.state === 'running' ? (
          <Action run={cancel}>Cancel</Action>
        ) : (
          <Action run={rebuild}>Rebuild</Action>
        )}
      </div>
      <Trouble error={error} />
      <BuildFacts build={build} />
      <section class="steps">
        {steps?.items.map((step) => (
          <StepRow key={step.id} step={step} isShown={step.id === shown} />
        ))}
        {steps?.items.length === 0 && <p class="empty">No step has begun yet.</p>}
      </section>
      <ArtifactList build={id} changes={changes} />
      <Properties properties={build.properties} />
    </>
  )
}

function BuildFacts({ build }: { build: ApiBuild }) {
  const now = useNow(build.state === 'running')
  const facts = {
    worker: <a href={link('workers', build.worker)}>{build.instance ?? build.worker}</a>,
    source: describeSource(build.source),
    reason: build.reason,
    request: `r${build.requestId}`,
    attempt: build.attempt > 1 ? String(build.attempt) : null,
    started: new Date(build.startedAt).toLocaleString(),
    took: duration(build.startedAt, build.finishedAt ?? now),
    cost: build.cost === null ? null : money(build.cost),
  }
  return <Facts facts={facts} />
}

function Properties({ properties }: { properties: ApiBuild['properties'] }) {
  const entries = Object.entries(properties)
  if (entries.length === 0) return null
  return (
    <details class="properties">
      <summary>
        Properties <span class="count">{entries.length}</span>
      </summary>
      <Facts facts={Object.fromEntries(entries.map(([name, value]) => [name, showValue(value)]))} />
    </details>
  )
}

/** What one comes to see: the step that failed, else the one that runs, else the last that did something. */
function stepToShow(steps: readonly ApiStep[]): number | undefined {
  const bad = steps.find((step) => step.result === 'FAILURE' || step.result === 'EXCEPTION')
  const running = steps.find((step) => step.state === 'running')
  const last = steps.findLast((step) => step.state === 'finished' && step.result !== 'SKIPPED')
  return (bad ?? running ?? last)?.id
}
