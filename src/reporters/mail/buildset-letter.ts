import { oneLine } from '../plain-text.ts'
import { onBranch, toneOf, verdict } from './build-letter.ts'
import { line, type Letter, type Row, type Section } from './letter.ts'
import { builderLink, buildLink, quiet, withoutLogin } from './links.ts'
import type { BuildReport, BuildsetReport } from './report.ts'
import { moment, span } from './times.ts'

/** What one mail about all builds of a buildset says. */
export function buildsetLetter({ builds, buildset, result, site }: BuildsetReport): Letter {
  const bad = builds.filter((one) => one.result !== 'SUCCESS' && one.result !== 'SKIPPED')
  const [only] = builds.length === 1 ? builds : []
  const count = bad.length === 0 ? `all ${builds.length}` : `${bad.length} of ${builds.length}`
  const title = `${only ? only.request.builder : `${count} builders`}${onBranch(buildset.source.branch)}`
  return {
    subject: `[${oneLine(site.title, 60)}] ${result}: ${oneLine(title, 120)} (buildset ${buildset.id})`,
    tone: toneOf[result],
    label: result,
    heading: title,
    intro: [[`Every build that belongs to buildset ${buildset.id} has ended.`]],
    rows: rows(buildset),
    sections: [
      { heading: 'Builds', items: [...bad, ...builds.filter((one) => !bad.includes(one))].map(item) },
      ...bad.flatMap(logOf).slice(0, maxLogs),
    ],
    footer: [line('This mail is from', { text: site.title, url: site.url }, '.')],
  }
}

function rows({ completedAt, reason, source, submittedAt }: BuildsetReport['buildset']): Row[] {
  const ended = completedAt && `${moment(completedAt)}, after ${span(submittedAt, completedAt)}`
  return [
    { label: 'Reason', value: line(reason) },
    { label: 'Repository', value: line(withoutLogin(source.repository)) },
    { label: 'Revision', value: line(source.revision) },
    { label: 'Ended', value: line(ended) },
  ].filter(({ value }) => value.length > 0)
}

function item(report: BuildReport) {
  const { build, request, result, site } = report
  const which = build && buildLink(site, build.id)
  return line(`${result}:`, quiet(builderLink(site, request.builder)), verdict(report), which && '–', which)
}

function logOf({ failedStep, request }: BuildReport): Section[] {
  if (!failedStep || failedStep.log === '') return []
  return [
    {
      heading: `The end of the log of “${failedStep.name}” of ${request.builder}`,
      log: failedStep.log,
    },
  ]
}

const maxLogs = 5
