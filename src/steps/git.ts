import { humanDuration, seconds, type Duration } from '../model/durations.ts'
import { render, type Renderable } from '../model/properties.ts'
import { durationMistakes, flagsOf, unknownOptions } from './options.ts'
import { shellOutcome } from './shell.ts'
import type { CommandOutcome, Step, StepContext, StepFlags, StepOutcome } from './step.ts'

export interface GitOptions extends StepFlags {
  readonly name?: string
  /** URL or path of the repository. */
  readonly repo: Renderable<string>
  /** Branch or tag when the build names none. Default: the repository's default branch. */
  readonly branch?: Renderable<string>
  /** Relative to the build's workspace. Default '.'. */
  readonly workdir?: Renderable<string>
  /** What is removed before the checkout: all untracked files (default), those not ignored, or nothing. */
  readonly clean?: 'all' | 'untracked' | 'none'
  /** Silence after which a git command is killed. Default 20 minutes. */
  readonly timeout?: Duration
  /** How often a failed fetch is tried again, and after how long. Default 2 times, 5 s. */
  readonly retry?: { readonly count: number; readonly delay: Duration }
}

/**
 * Checks out what the build asks for: its revision, else its branch, else the default branch. The first build of a
 * workspace clones; later ones fetch. Sets the property `got_revision`.
 */
export function git(options: GitOptions): Step {
  const { timeout, retry = { count: 2, delay: 5 } } = options
  return Object.freeze<Step>({
    kind: 'step',
    type: 'git',
    name: options.name ?? 'git',
    ...flagsOf(options),
    mistakes: [
      ...(options.repo ? [] : ['repo is missing: the URL or path of the repository']),
      ...unknownOptions(options, optionNames),
      ...durationMistakes({ timeout, 'retry.delay': retry.delay }),
    ],
    run: (context) => new Checkout(context, options).run(),
  })
}

const optionNames = ['name', 'repo', 'branch', 'workdir', 'clean', 'timeout', 'retry']

class Checkout {
  readonly #context: StepContext
  readonly #options: GitOptions
  readonly #workdir: string
  readonly #repo: string
  readonly #branch: string | null
  readonly #revision: string | null

  constructor(context: StepContext, options: GitOptions) {
    const own = <T>(value: Renderable<T>) => render(value, context.properties)
    this.#context = context
    this.#options = options
    this.#workdir = own(options.workdir ?? '.')
    this.#repo = own(options.repo)
    this.#branch = context.build.source.branch ?? (options.branch === undefined ? null : own(options.branch))
    this.#revision = context.build.source.revision
  }

  async run(): Promise<StepOutcome> {
    for (const [what, value] of Object.entries({
      repository: this.#repo,
      branch: this.#branch,
      revision: this.#revision,
    })) {
      if (value !== null && unsafe(value, what))
        return { result: 'FAILURE', summary: `not a ${what}: ${value.slice(0, 80)}` }
    }
    const fetched = await this.#fetchWithRetry()
    if (fetched.exitCode !== 0) return shellOutcome(fetched)
    const target = this.#revision ?? 'FETCH_HEAD'
    const checkedOut = await this.#git(['checkout', '--force', '--detach', '--quiet', target])
    if (checkedOut.exitCode !== 0) return shellOutcome(checkedOut)
    const { clean = 'all' } = this.#options
    if (clean !== 'none') {
      const cleaned = await this.#git(['clean', '-ffdq', ...(clean === 'all' ? ['-x'] : [])])
      if (cleaned.exitCode !== 0) return shellOutcome(cleaned)
    }
    const head = await this.#git(['rev-parse', '--verify', 'HEAD'], 200)
    const revision = head.stdout.trim()
    await this.#context.setProperty('got_revision', revision)
    return { result: 'SUCCESS', summary: revision.slice(0, 12) }
  }

  async #fetchWithRetry(): Promise<CommandOutcome> {
    const { retry = { count: 2, delay: 5 } } = this.#options
    for (let attempt = 0; ; attempt++) {
      const fetched = await this.#fetch()
      if (fetched.exitCode === 0 || fetched.reason === 'cancelled' || attempt >= retry.count) return fetched
      await this.#context.note(
        `The fetch failed; trying again in ${humanDuration(seconds(retry.delay) * 1000)}.`,
      )
      await this.#context.sleep(retry.delay)
      // What is there may be broken beyond repair: the last attempt starts from nothing.
      if (attempt + 1 === retry.count) await this.#context.command({ op: 'rmdir', path: this.#workdir })
    }
  }

  async #fetch(): Promise<CommandOutcome> {
    const made = await this.#git(['init', '--quiet', '.'])
    if (made.exitCode !== 0) return made
    const pointed = await this.#git(['config', 'remote.origin.url', this.#repo])
    if (pointed.exitCode !== 0) return pointed
    if (this.#revision === null)
      return this.#git(['fetch', '--force', '--no-tags', 'origin', this.#branch ?? 'HEAD'])
    const all = await this.#git([
      'fetch',
      '--force',
      '--prune',
      '--tags',
      'origin',
      '+refs/heads/*:refs/remotes/origin/*',
    ])
    if (all.exitCode !== 0) return all
    const known = await this.#git(['rev-parse', '--quiet', '--verify', `${this.#revision}^{commit}`])
    return known.exitCode === 0
      ? known
      : this.#git(['fetch', '--force', '--no-tags', 'origin', this.#revision])
  }

  #git(args: readonly string[], capture = 0): Promise<CommandOutcome> {
    const { timeout } = this.#options
    return this.#context.command(
      {
        op: 'shell',
        command: ['git', ...args],
        workdir: this.#workdir,
        env: { GIT_TERMINAL_PROMPT: '0' },
        ...(timeout === undefined ? {} : { timeout }),
      },
      { capture },
    )
  }
}

// Branch and revision come from people and webhooks: nothing of them may be read as an option or a refspec.
function unsafe(value: string, what: string): boolean {
  if (value === '' || value.startsWith('-') || /[\0-\x1f\x7f]/.test(value)) return true
  return what !== 'repository' && /[\s:?*[\\~^]|\.\.|@\{/.test(value)
}
