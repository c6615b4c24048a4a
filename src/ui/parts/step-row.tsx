import { useCallback, useState } from 'preact/hooks'
import type { ApiLog, ApiStep } from '../../web/api.ts'
import type { List } from '../api.ts'
import type { LiveEvent } from '../live/event-stream.ts'
import { useResource } from '../live/use-resource.ts'
import { LogPanel } from '../log/log-panel.tsx'
import { duration, useNow } from '../time.ts'
import { Badge } from './badge.tsx'

/** A step with its logs behind it. It opens by itself when it `isShown`, until a person opens or closes it. */
export function StepRow({ step, isShown }: { step: ApiStep; isShown: boolean }) {
  const [chosen, setChosen] = useState<boolean>()
  const isOpen = chosen ?? isShown
  const now = useNow(step.state === 'running')
  return (
    <article class={isOpen ? 'step open' : 'step'}>
      <button type="button" class="step-head" aria-expanded={isOpen} onClick={() => setChosen(!isOpen)}>
        <span class="chevron" aria-hidden="true" />
        <span class="step-number faint">{step.number}</span>
        <span class="step-name">{step.name}</span>
        <span class="grow faint">{step.summary}</span>
        {step.startedAt && (
          <span class="number faint">{duration(step.startedAt, step.finishedAt ?? now)}</span>
        )}
        <Badge result={step.result} waiting={step.state === 'pending'} />
      </button>
      {isOpen && <StepLogs step={step.id} />}
    </article>
  )
}

function StepLogs({ step }: { step: number }) {
  const changes = useCallback(
    (event: LiveEvent) => event.type === 'log.created' && event.step === step,
    [step],
  )
  const { data } = useResource<List<ApiLog>>(`/steps/${step}/logs`, changes)
  if (!data) return null
  if (data.items.length === 0) return <p class="empty">This step has no log.</p>
  return (
    <>
      {data.items.map((log) => (
        <div key={log.id}>
          {data.items.length > 1 && <h3>{log.name}</h3>}
          <LogPanel log={log} />
        </div>
      ))}
    </>
  )
}
