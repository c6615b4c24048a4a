import type { Result } from '../../model/results.ts'
import type { ChangeFacts, RequestFacts } from '../facts.ts'
import type { ToldEvent } from '../tell-event.ts'
import { escapeText } from './escape-text.ts'

/** A message as incoming webhooks take it; attachments, because those that imitate Slack have no blocks. */
export interface SlackPayload {
  readonly text: string
  readonly channel?: string
  readonly attachments: readonly {
    readonly color: string
    readonly fallback: string
    readonly title: string
    readonly title_link: string
    readonly text: string
    /** Nothing in it is markup. */
    readonly mrkdwn_in: readonly string[]
  }[]
}

export function slackPayload(told: ToldEvent, { channel }: { channel?: string | undefined }): SlackPayload {
  const text = escapeText(told.text, 300)
  return {
    text,
    ...(channel !== undefined && { channel }),
    attachments: [
      {
        color: colorOf(told),
        fallback: text,
        title: escapeText(titleOf(told), 100),
        title_link: told.url,
        text: escapeText(linesOf(told).join('\n'), 2000),
        mrkdwn_in: [],
      },
    ],
  }
}

function titleOf({ build, buildset, event, request }: ToldEvent): string {
  if ('worker' in event) return `Worker ${event.worker}`
  if (buildset) return `Buildset ${buildset.id}`
  return build
    ? `Build ${build.id} of ${request?.builder ?? build.request.builder}`
    : `Builder ${request?.builder}`
}

function linesOf({ build, event, request }: ToldEvent): string[] {
  if (event.type === 'worker.missing') {
    const lost = event.builds.map((id) => `build ${id}`).join(', ')
    return [event.reason, ...(lost ? [`It was running ${lost}`] : [])]
  }
  if (!request) return []
  const failed = build?.steps.find(({ result }) => result === 'FAILURE' || result === 'EXCEPTION')
  return [
    sourceLine(request),
    ...(failed ? [`Failed step: ${failed.name}${failed.summary ? `: ${failed.summary}` : ''}`] : []),
    ...request.changes.slice(-maxChanges).map(changeLine),
    ...(request.changes.length > maxChanges ? [`… ${request.changes.length - maxChanges} more before`] : []),
  ].filter((line) => line !== '')
}

function sourceLine({ reason, source }: RequestFacts): string {
  const revision = source.revision?.slice(0, 10)
  const what = [source.branch, revision].filter(Boolean).join(' at ')
  return [what, reason].filter(Boolean).join(' · ')
}

function changeLine({ author, message, revision }: ChangeFacts): string {
  // Its address is nobody's business here.
  const name = author?.replace(/\s*<[^>]*>?\s*$/, '')
  const title = message?.split('\n', 1)[0]?.slice(0, 200)
  return `• ${title ?? revision.slice(0, 10)}${name ? ` (${name.slice(0, 80)})` : ''}`
}

function colorOf({ event }: ToldEvent): string {
  if ('result' in event) return colors[event.result]
  if (event.type === 'worker.missing') return colors.FAILURE
  return event.type === 'worker.recovered' ? colors.SUCCESS : '#5b7fa6'
}

const maxChanges = 5
const colors: Readonly<Record<Result, string>> = {
  SUCCESS: '#2e9e5b',
  WARNINGS: '#d9902f',
  FAILURE: '#cc3d3d',
  EXCEPTION: '#8d4bb5',
  RETRY: '#8d4bb5',
  CANCELLED: '#8a8a8a',
  SKIPPED: '#8a8a8a',
}
