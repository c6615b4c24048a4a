import type { Result } from '../../model/results.ts'

/** How something ended; `null`: it runs, or `waiting`. */
export function Badge({ result, waiting = false }: { result: Result | null; waiting?: boolean }) {
  const name = result ?? (waiting ? 'WAITING' : 'RUNNING')
  return <span class={`badge ${name.toLowerCase()}`}>{words[name]}</span>
}

const words = {
  SUCCESS: 'success',
  WARNINGS: 'warnings',
  FAILURE: 'failure',
  SKIPPED: 'skipped',
  EXCEPTION: 'exception',
  RETRY: 'retry',
  CANCELLED: 'cancelled',
  RUNNING: 'running',
  WAITING: 'waiting',
}
