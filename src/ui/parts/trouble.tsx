import type { AnswerError } from '../api.ts'

/** What went wrong and what to do, in the master's words. */
export function Trouble({ error }: { error: AnswerError | undefined }) {
  if (!error) return null
  return (
    <div class="trouble" role="alert">
      <strong>{error.message}</strong> {error.advice}
    </div>
  )
}
