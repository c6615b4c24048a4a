import type { BuildFacts } from '../facts.ts'
import { oneLine } from '../plain-text.ts'
import type { MailAttachment } from './mail-content.ts'
import type { MailSettings } from './settings.ts'

export interface Attachments {
  readonly attached: readonly MailAttachment[]
  /** Names of what was asked for and does not fit. */
  readonly left: readonly string[]
}

/** The logs and artifacts to attach, as far as they fit: logs of steps that failed first. */
export function chooseAttachments(settings: MailSettings, builds: readonly BuildFacts[]): Attachments {
  const wanted = [
    ...builds.flatMap((build) => logsOf(settings, build)),
    ...builds.flatMap((build) => artifactsOf(settings, build)),
  ]
  const attached: MailAttachment[] = []
  const left: string[] = []
  let room = settings.maxAttachmentSize
  for (const one of wanted) {
    if (one.size > room || attached.length === maxAttachments) {
      left.push(one.filename)
      continue
    }
    attached.push(one)
    room -= one.size
  }
  return { attached, left }
}

function logsOf({ addLogs }: MailSettings, { request, steps }: BuildFacts): MailAttachment[] {
  if (addLogs === false) return []
  const failed = steps.filter(({ result }) => result === 'FAILURE' || result === 'EXCEPTION')
  return [...new Set([...failed, ...steps])].flatMap(({ logs, name: step }) =>
    logs
      .filter(({ bytes, name }) => bytes > 0 && isNamed(addLogs, name, `${step}.${name}`))
      .map(({ bytes, id, name }) => ({
        kind: 'log' as const,
        id,
        filename: fileName(`${request.builder}.${step}.${name}.txt`),
        type: 'text/plain; charset=utf-8',
        size: bytes,
      })),
  )
}

function artifactsOf({ addArtifacts }: MailSettings, { artifacts }: BuildFacts): MailAttachment[] {
  if (addArtifacts === false) return []
  return artifacts
    .filter(({ name }) => isNamed(addArtifacts, name))
    .map(({ id, name, size, type }) => ({
      kind: 'artifact',
      id,
      filename: fileName(name.split('/').at(-1)!),
      type: /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(type) ? type : 'application/octet-stream',
      size,
    }))
}

function isNamed(wanted: true | readonly string[], ...names: readonly string[]): boolean {
  return wanted === true || names.some((name) => wanted.includes(name))
}

function fileName(name: string): string {
  return oneLine(name, 120).replaceAll(/[/\\:"<>|?*]/g, '_') || 'attachment'
}

const maxAttachments = 50
