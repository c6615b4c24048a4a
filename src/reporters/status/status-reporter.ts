import { createHash } from 'node:crypto'
import { messageOf } from '../../model/errors.ts'
import type { NoticeEvent } from '../../model/notice-event.ts'
import { DeliveryError } from '../delivery-error.ts'
import { postJson } from '../http/post-json.ts'
import { oneLine } from '../plain-text.ts'
import { pageLinks } from '../page-links.ts'
import type { ComposeTools, Draft, Interest, Message, Reporter, SendTools, Site } from '../reporter.ts'
import { aboutStatus, type AboutStatus } from './about-status.ts'
import type { CommitStatus, StatusHost } from './commit-status.ts'
import type { CommitStatusOptions, StatusText } from './commit-status-options.ts'
import { repositoryName, repositoryOf } from './repository-of.ts'

/** Tells a host of repositories how the builds of a commit are going. */
export class StatusReporter implements Reporter {
  readonly name: string
  readonly kind: string
  readonly interest: Interest
  readonly #host: StatusHost
  readonly #options: CommitStatusOptions

  constructor(o: { name: string; kind: string; host: StatusHost; options: CommitStatusOptions }) {
    this.name = o.name
    this.kind = o.kind
    this.#host = o.host
    this.#options = o.options
    const { builders } = o.options
    this.interest = {
      events: ['request.submitted', 'build.started', 'build.finished', 'request.completed'],
      ...(builders && { builders }),
    }
  }

  async compose(event: NoticeEvent, { facts, site }: ComposeTools): Promise<readonly Draft[]> {
    const about = await aboutStatus(event, facts)
    const status = about && this.#statusOf(about, site)
    if (!status) return []
    const { context, repository, revision, state } = status
    return [
      {
        target: repository,
        subject: oneLine(`${context} of ${revision.slice(0, 10)}: ${state}`, 200),
        content: this.#host.post(status),
        lane: `${repository} ${revision} ${context}`,
      },
    ]
  }

  async send({ content }: Message, { secret, signal }: SendTools): Promise<void> {
    const { path, body } = content as ReturnType<StatusHost['post']>
    const { advice, api, headers, isDone } = this.#host
    const token = secret(this.#options.token.name)
    const post = { url: api + path, headers: headers(token), body: JSON.stringify(body) }
    await postJson(post, { signal, secrets: [token], advice, isDone })
  }

  #statusOf(about: AboutStatus, site: Site): CommitStatus | undefined {
    const { request, state } = about
    const repository = this.#repositoryOf(about)
    const revision = revisionOf(about)
    if (!repository || !revision) return undefined
    const { limits } = this.#host
    const context = this.#text('context', about) ?? `rouse/${request.builder}`
    const description = this.#text(descriptionOption[state], about) ?? about.description
    return {
      repository,
      revision,
      state,
      context: distinct(oneLine(context, 1000), limits.context),
      description: oneLine(description, limits.description),
      url: about.build ? pageLinks.build(site, about.build.id) : pageLinks.request(site, request),
      branch: request.source.branch,
    }
  }

  #repositoryOf(about: AboutStatus): string | undefined {
    const own = this.#text('repository', about)
    if (own === undefined) return repositoryOf(about.request.source.repository, this.#host)
    const repository = repositoryName(own, this.#host)
    if (repository) return repository
    throw new DeliveryError(
      `repository gave ${JSON.stringify(oneLine(own, 100))}, which is not of the form 'owner/name'`,
      {
        worth: 'never',
      },
    )
  }

  #text(option: TextOption, about: AboutStatus): string | undefined {
    const value: StatusText | undefined = this.#options[option]
    if (typeof value !== 'function') return value
    try {
      const text: unknown = value(about)
      if (text === undefined || text === '') return undefined
      if (typeof text === 'string') return text
      throw new TypeError(`it gave ${text === null ? 'null' : `an ${typeof text}`} instead of a string`)
    } catch (error) {
      const message = `the function ${option} of the reporter failed: ${messageOf(error)}`
      throw new DeliveryError(message, { worth: 'never', cause: error })
    }
  }
}

/** A full commit id: what the source names, else what a step has checked out. */
function revisionOf({ build, request }: AboutStatus): string | undefined {
  const got = build?.properties.find(({ name, source }) => name === 'got_revision' && source === 'step')
  return [request.source.revision, got?.value].find(isCommitId)?.toLowerCase()
}

function isCommitId(value: unknown): value is string {
  return typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(value)
}

/** At most `limit` characters, and still another one for another text. */
function distinct(text: string, limit: number): string {
  if (text.length <= limit) return text
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 8)
  return `${text.slice(0, limit - 9)}-${digest}`.toWellFormed()
}

type TextOption = 'repository' | 'context' | 'pendingDescription' | 'startDescription' | 'endDescription'

const descriptionOption: Readonly<Record<CommitStatus['state'], TextOption>> = {
  pending: 'pendingDescription',
  running: 'startDescription',
  success: 'endDescription',
  failure: 'endDescription',
  error: 'endDescription',
  cancelled: 'endDescription',
}
