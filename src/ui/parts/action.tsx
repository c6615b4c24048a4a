import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { AnswerError } from '../api.ts'

interface ActionProps {
  readonly run: () => Promise<unknown>
  readonly children: ComponentChildren
  readonly class?: string
}

/** A button that asks the master for something; it waits for the answer and shows when that is an error. */
export function Action({ run, children, class: className = '' }: ActionProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<AnswerError>()
  const click = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await run()
    } catch (failure) {
      setError(failure as AnswerError)
    }
    setBusy(false)
  }
  return (
    <>
      <button type="button" class={className} disabled={busy} onClick={() => void click()}>
        {children}
      </button>
      {error && <span class="refusal">{error.message}</span>}
    </>
  )
}
