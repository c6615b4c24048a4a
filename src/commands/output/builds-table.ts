import type { ApiBuild } from '../../web/api.ts'
import type { Columns } from './print.ts'
import { colourOf } from './result-text.ts'
import { took, when } from './time.ts'

export const buildsTable: Columns<ApiBuild> = ({ isTTY, colours }, now) => [
  { title: 'BUILD', text: (build) => String(build.id), align: 'right' },
  { title: 'BUILDER', text: (build) => build.builder, cut: true },
  { title: 'RESULT', text: state, colour: (build) => colourOf(state(build), colours) },
  { title: 'WORKER', text: (build) => build.instance ?? build.worker, cut: true },
  { title: 'STARTED', text: (build) => when(build.startedAt, { isTTY, now }) },
  { title: 'TOOK', text: (build) => took(build.startedAt, build.finishedAt, now), align: 'right' },
  { title: 'REQUEST', text: (build) => `r${build.requestId}` },
  { title: 'REASON', text: (build) => build.reason, cut: true },
]

function state(build: ApiBuild): string {
  return build.result ?? build.state
}
