import type { WorkerMissing } from '../../model/notice-event.ts'
import { oneLine } from '../plain-text.ts'
import { line, type Letter, type Line, type Row, type Section } from './letter.ts'
import { builderLink, buildLink, quiet, workerLink } from './links.ts'
import type { WorkerEvent, WorkerReport } from './report.ts'
import { moment, span } from './times.ts'

/** What a mail about a worker says; `now` in milliseconds, because how long it is missing is told. */
export function workerLetter(report: WorkerReport, now: number): Letter {
  const { event, site, worker } = report
  const { label, predicate, tone } = headline(event)
  return {
    subject: `[${oneLine(site.title, 60)}] ${oneLine(`worker ${worker.name} ${predicate}`, 120)}`,
    tone,
    label,
    heading: `Worker ${worker.name} ${predicate}`,
    intro: intro(report, now),
    rows: rows(report, now),
    sections: event.type === 'worker.missing' ? [...running(report), ...waiting(report, now)] : [],
    footer: [
      line('You get this because', quiet(workerLink(site, worker.name)), 'names you in notifyOnMissing.'),
      line('This mail is from', { text: site.title, url: site.url }, '.'),
    ],
  }
}

function headline(event: WorkerEvent): Pick<Letter, 'label' | 'tone'> & { predicate: string } {
  if (event.type === 'worker.missing') return { label: 'missing', tone: 'bad', predicate: 'is missing' }
  if (event.type === 'worker.recovered') return { label: 'back', tone: 'good', predicate: 'is back' }
  return { label: 'unsteady', tone: 'warn', predicate: `was lost ${event.losses} times within an hour` }
}

function intro({ event, site, worker }: WorkerReport, now: number): Line[] {
  const link = quiet(workerLink(site, worker.name), `Worker ${worker.name}`)
  if (event.type === 'worker.recovered')
    return [[link, `is connected again. It was away for ${span(event.missingSince, event.recoveredAt)}.`]]
  if (event.type === 'worker.flapping')
    return [[link, `was lost ${event.losses} times within an hour, and came back each time.`]]
  const lines: Line[] = [
    [link, `has been missing for ${span(event.since, now)}: ${event.reason.replace(/\.$/, '')}.`],
  ]
  if (worker.connected) lines.push(['When this mail was written, it was connected again.'])
  return lines
}

function rows({ event, site, worker }: WorkerReport, now: number): Row[] {
  const found: [string, Line][] = [
    ...eventRows(event, worker.lastAddress, worker.lastSeenAt, now),
    ['Machine', line([worker.hostname, worker.os].filter(Boolean).join(', '))],
    ['Host', line(worker.host)],
    ['Admin', line(worker.admin)],
    ['Page', [{ ...workerLink(site, worker.name), text: workerLink(site, worker.name).url }]],
  ]
  return found.flatMap(([label, value]) => (value.length > 0 ? [{ label, value }] : []))
}

function eventRows(
  event: WorkerEvent,
  lastAddress: string | null,
  lastSeenAt: Date | null,
  now: number,
): [string, Line][] {
  switch (event.type) {
    case 'worker.missing': {
      const seen = event.lastSeenAt ?? lastSeenAt
      return [
        ['Missing since', [`${moment(event.since)} (${span(event.since, now)})`]],
        ['Last seen', [seen === null ? 'never' : moment(seen)]],
        ['Last address', line(event.lastAddress ?? lastAddress)],
      ]
    }
    case 'worker.recovered':
      return [
        ['Back since', [moment(event.recoveredAt)]],
        ['Missing since', [moment(event.missingSince)]],
        ['Away for', [span(event.missingSince, event.recoveredAt)]],
        ['Address', line(event.address)],
      ]
    case 'worker.flapping':
      return [
        ['Last lost', [moment(event.at)]],
        ['Last reason', line(event.lastReason)],
        ['Last address', line(lastAddress)],
      ]
  }
  throw new Error(`no event of a worker: ${JSON.stringify(event satisfies never)}`)
}

function running({ builds, event, site }: WorkerReport): Section[] {
  const { builds: ids } = event as WorkerMissing
  if (ids.length === 0) return []
  const items = builds.map(({ id, request, result }) =>
    line(
      buildLink(site, id),
      'of',
      quiet(builderLink(site, request.builder)),
      result ? `: ${result}` : ', not ended',
    ),
  )
  return [{ heading: 'What it was running', items: [...items, ...more(ids.length - builds.length)] }]
}

function waiting({ site, worker }: WorkerReport, now: number): Section[] {
  if (worker.waiting.length === 0) return []
  const items = worker.waiting
    .slice(0, maxItems)
    .map(({ builder, id, submittedAt }) =>
      line(`request r${id} of`, quiet(builderLink(site, builder)), `, for ${span(submittedAt, now)}`),
    )
  return [{ heading: 'What waits for it', items: [...items, ...more(worker.waiting.length - items.length)] }]
}

function more(count: number): Line[] {
  return count > 0 ? [[`and ${count} more`]] : []
}

/** Builds and requests that are named. */
export const maxItems = 20
