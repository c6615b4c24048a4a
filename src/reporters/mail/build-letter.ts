import type { Result } from '../../model/results.ts'
import { oneLine } from '../plain-text.ts'
import { line, type Letter, type Line, type Row, type Section, type Tone } from './letter.ts'
import { builderLink, buildLink, foreignLink, quiet, withoutLogin, workerLink } from './links.ts'
import type { BuildReport } from './report.ts'
import { moment, span } from './times.ts'

/** What a mail about one request and its build says. */
export function buildLetter(report: BuildReport): Letter {
  const { build, request, result, site } = report
  const which = build ? `build ${build.id}` : `request r${request.id}`
  const title = `${request.builder}${onBranch(request.source.branch)}`
  return {
    subject: `[${oneLine(site.title, 60)}] ${result}: ${oneLine(title, 120)} (${which})`,
    tone: toneOf[result],
    label: result,
    heading: title,
    intro: intro(report),
    rows: rows(report),
    sections: [...failedStep(report), ...changes(report), ...artifacts(report)],
    footer: [line('This mail is from', { text: site.title, url: site.url }, '.')],
  }
}

/** 'build 17 of unit failed in the step "test": exit code 1'. */
export function verdict({ build, failedStep, request, result }: BuildReport): string {
  if (!build) return `ended without a build: ${request.startFailure ?? request.cancelReason ?? verbs[result]}`
  if (result === 'CANCELLED')
    return `was cancelled${reasonOf(build.cancelReason ?? request.cancelReason, result)}`
  if (!failedStep) return `${verbs[result]}${reasonOf(build.summary, result)}`
  const where = failedStep.result === 'WARNINGS' ? 'has warnings from' : `${verbs[result]} in`
  return `${where} the step “${failedStep.name}”${reasonOf(failedStep.summary, result)}`
}

export function onBranch(branch: string | null): string {
  return branch === null ? '' : ` on ${branch}`
}

export const toneOf: Record<Result, Tone> = {
  SUCCESS: 'good',
  WARNINGS: 'warn',
  FAILURE: 'bad',
  EXCEPTION: 'odd',
  CANCELLED: 'calm',
  RETRY: 'calm',
  SKIPPED: 'calm',
}

function intro(report: BuildReport): Line[] {
  const { build, previousResult, request, result, site } = report
  const subject = build
    ? [quiet(buildLink(site, build.id), `Build ${build.id}`), `of ${request.builder}`]
    : [`Request r${request.id} of`, quiet(builderLink(site, request.builder))]
  const lines = [line(...subject, verdict(report), '.')]
  if (previousResult === null || previousResult === result) return lines
  if (result === 'SUCCESS') lines.push([`It is mended: the one before was ${previousResult}.`])
  else lines.push([`The one before was ${previousResult}.`])
  return lines
}

function rows({ build, request, site }: BuildReport): Row[] {
  const { repository, revision } = request.source
  const found: [string, Line | undefined | false][] = [
    ['Build', build !== null && [{ ...buildLink(site, build.id), text: buildLink(site, build.id).url }]],
    ['Builder', [quiet(builderLink(site, request.builder))]],
    ['Reason', line(request.reason)],
    ['Repository', repository !== '' && line(withoutLogin(repository))],
    ['Revision', revision !== null && line(revision)],
    ['Worker', build !== null && line(quiet(workerLink(site, build.worker)))],
    ['Attempt', build !== null && build.attempt > 1 && line(String(build.attempt))],
    ['Submitted', line(moment(request.submittedAt))],
    ['Ended', line(...ended(build?.startedAt, build?.finishedAt ?? request.completedAt))],
  ]
  return found.flatMap(([label, value]) => (value && value.length > 0 ? [{ label, value }] : []))
}

function ended(startedAt: Date | undefined, at: Date | null | undefined): string[] {
  if (!at) return []
  return startedAt ? [moment(at), `, after ${span(startedAt, at)}`] : [moment(at)]
}

function failedStep({ failedStep: step }: BuildReport): Section[] {
  if (!step || step.log === '') return []
  return [{ heading: `The end of the log of “${step.name}”`, log: step.log }]
}

function changes({ request }: BuildReport): Section[] {
  if (request.changes.length === 0) return []
  const items = request.changes.slice(-maxItems).map(({ author, link, message, revision }) => {
    const summary = oneLine((message ?? '').trim().split('\n', 1)[0] ?? '', 150) || revision.slice(0, 12)
    return line(foreignLink(summary, link), `(${revision.slice(0, 12)})`, author !== null && `by ${author}`)
  })
  return [{ heading: 'Changes', items: [...more(request.changes.length, 'older'), ...items] }]
}

function artifacts({ build, site }: BuildReport): Section[] {
  if (!build || build.artifacts.length === 0) return []
  const items = build.artifacts
    .slice(0, maxItems)
    .map(({ id, name, size }) =>
      line({ text: name, url: `${site.url}api/v1/artifacts/${id}` }, `(${bytes(size)})`),
    )
  return [{ heading: 'Artifacts', items: [...items, ...more(build.artifacts.length, 'more')] }]
}

function more(count: number, word: string): Line[] {
  return count > maxItems ? [[`and ${count - maxItems} ${word}`]] : []
}

function bytes(size: number): string {
  if (size < 1024) return `${size} bytes`
  if (size < 1_048_576) return `${(size / 1024).toFixed(1)} KiB`
  return `${(size / 1_048_576).toFixed(1)} MiB`
}

function reasonOf(text: string | null, result: Result): string {
  return text && text.toUpperCase() !== result ? `: ${text.replace(/\.$/, '')}` : ''
}

const verbs: Record<Result, string> = {
  SUCCESS: 'succeeded',
  WARNINGS: 'succeeded with warnings',
  FAILURE: 'failed',
  EXCEPTION: 'ended with an exception',
  CANCELLED: 'was cancelled',
  RETRY: 'is tried again',
  SKIPPED: 'was left out',
}
const maxItems = 20
