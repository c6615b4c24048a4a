import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { AnswerError } from '../api.ts'

interface ActionProps {
  readonly run: () => Promise<unknown>
  readonly children: ComponentChildren
  readonly class?: string
  /** Asked before what cannot be undone. */
  readonly confirm?: string
}

/** A button that asks the master for something; it waits for the answer and shows when that is an error. */
export function Action({ run, children, class: className = '', confirm: question }: ActionProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<AnswerError>()
  const click = async () => {
    if (question !== undefined && !confirm(question)) return
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
