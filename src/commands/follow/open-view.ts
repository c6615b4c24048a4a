import { terminalOf } from '../output/terminal.ts'
import type { FollowView } from './follow-view.ts'
import { JsonView } from './json-view.ts'
import { TextView } from './text-view.ts'

export interface ViewOptions {
  readonly json: boolean
  readonly headers: boolean
  readonly announce: boolean
}

/** The view of this process's stdout and stderr. */
export function openView({ json, headers, announce }: ViewOptions): FollowView {
  const out = terminalOf(process.stdout)
  return json ? new JsonView(out) : new TextView({ out, err: terminalOf(process.stderr), headers, announce })
}
