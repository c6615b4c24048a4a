import { costText } from '../../model/cost.ts'
import type { ApiBuild, ApiStep } from '../../web/api.ts'
import { displayWidth } from './display-width.ts'
import { plainLine } from './neutralise.ts'
import { colourOf } from './result-text.ts'
import { table } from './table.ts'
import type { Terminal } from './terminal.ts'
import { took, when } from './time.ts'

/** One build for people: what it is, its properties, its steps. */
export function buildDetails(
  build: ApiBuild,
  steps: readonly ApiStep[],
  terminal: Pick<Terminal, 'isTTY' | 'width' | 'colours'>,
  now: number,
): string {
  const { colours, isTTY } = terminal
  const state = build.result ?? build.state
  const facts = [
    ['builder', build.builder],
    ['worker', build.instance ?? build.worker],
    ['request', `r${build.requestId}${build.attempt > 1 ? `, attempt ${build.attempt}` : ''}`],
    ['reason', build.reason],
    ['source', sourceText(build)],
    ['started', when(build.startedAt, { isTTY, now })],
    ['took', took(build.startedAt, build.finishedAt, now)],
    ['cost', build.cost === null ? '' : costText(build.cost)],
    ...Object.entries(build.properties)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [`property ${name}`, text(value)]),
  ]
    .filter(([, value]) => value !== '')
    .map((fact) => fact.map(plainLine) as [string, string])
  const width = Math.max(...facts.map(([name]) => displayWidth(name)))
  const blanks = (name: string) => ' '.repeat(width - displayWidth(name))
  const lines = facts.map(([name, value]) => `${colours.dim(name)}${blanks(name)}  ${value}\n`)
  const summary = build.summary ? `: ${build.summary}` : ''
  const title = `build ${build.id} ${colourOf(state, colours)(state)}${plainLine(summary)}\n`
  return title + lines.join('') + (steps.length > 0 ? `\n${stepsTable(steps, terminal, now)}` : '')
}

function stepsTable(
  steps: readonly ApiStep[],
  terminal: Pick<Terminal, 'width' | 'colours'>,
  now: number,
): string {
  const state = (step: ApiStep) => step.result ?? step.state
  return table<ApiStep>(
    [
      { title: 'STEP', text: (step) => String(step.number), align: 'right' },
      { title: 'NAME', text: (step) => step.name, cut: true },
      { title: 'RESULT', text: state, colour: (step) => colourOf(state(step), terminal.colours) },
      { title: 'TOOK', text: (step) => took(step.startedAt, step.finishedAt, now), align: 'right' },
      { title: 'SUMMARY', text: (step) => step.summary ?? '', cut: true },
    ],
    steps,
    terminal,
  )
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function sourceText({ source }: ApiBuild): string {
  return [source.repository, source.branch && `branch ${source.branch}`, source.revision]
    .filter(Boolean)
    .join(' ')
}
