import type { Result } from '../../model/results.ts'
import type { Colours } from './terminal.ts'

/** A state or result in its colour: green SUCCESS, red FAILURE, ... Text that is neither stays as it is. */
export function colourOf(state: string, colours: Colours): (text: string) => string {
  const name = colourNames[state as keyof typeof colourNames]
  return name ? colours[name] : (text) => text
}

const colourNames = {
  SUCCESS: 'green',
  WARNINGS: 'yellow',
  FAILURE: 'red',
  SKIPPED: 'gray',
  EXCEPTION: 'magenta',
  RETRY: 'cyan',
  CANCELLED: 'gray',
  running: 'blue',
  pending: 'gray',
  requested: 'cyan',
  starting: 'cyan',
  attached: 'green',
  busy: 'blue',
  stopping: 'yellow',
  gone: 'gray',
  waiting: 'cyan',
  sent: 'green',
  failed: 'red',
  dropped: 'gray',
} as const satisfies Record<Result | 'running' | 'pending', keyof Colours> & Record<string, keyof Colours>
