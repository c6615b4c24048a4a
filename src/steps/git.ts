import { humanDuration, seconds, type Duration } from '../model/durations.ts'
import { messageOf } from '../model/errors.ts'
import { render, type Renderable } from '../model/properties.ts'
import { gitAccessMistakes, gitEnv, type GitAccess } from './git-credentials.ts'
import { durationMistakes, flagsOf, textMistakes, unknownOptions } from './options.ts'
import { secretsOf } from './secrets-of.ts'
import { shellOutcome } from './shell.ts'
import type { CommandOutcome, CommandRequest, Step, StepContext, StepFlags, StepOutcome } from './step.ts'

export interface GitOptions extends StepFlags, GitAccess {
  readonly name?: string
  /** URL or path of the repository. */
  readonly repo: Renderable<string>
  /** Branch or tag when the build names none. Default: the repository's default branch. */
  readonly branch?: Renderable<string>
  /** Relative to the build's workspace. Default '.'. */
  readonly workdir?: Renderable<string>
  /** What is removed after the checkout: all untracked files (default), those not ignored, or nothing. */
  readonly clean?: (typeof cleanModes)[number]
  /** How much history is fetched. Default all of it. A revision that is deeper is found all the same. */
  readonly depth?: number
  /** Checks out submodules too, and theirs. Default false. */
  readonly submodules?: boolean
  /** Fetches what Git LFS holds; git-lfs must be installed on the worker. Default false: pointers stay pointers. */
  readonly lfs?: boolean
  /** Silence after which a git command is killed. Default 20 minutes. */
  readonly timeout?: Duration
  /** How often a failed checkout is tried again, and after how long. Default 2 times, 5 s. */
  readonly retry?: { readonly count?: number; readonly delay?: Duration }
}

/**
 * Checks out what the build asks for: its revision, else its branch, else the default branch. The first build of a
 * workspace clones; later ones fetch. Sets the property `got_revision`.
 */
export function git(options: GitOptions): Step {
  const { branch, clean = 'all', depth = 1, repo, retry, timeout, workdir } = options
  return Object.freeze<Step>({
    kind: 'step',
    type: 'git',
    name: options.name ?? 'git',
    ...flagsOf(options),
    secrets: secretsOf([options.credentials, options.sshKey]),
    mistakes: [
      ...(repo ? [] : ['repo is missing: the URL or path of the repository']),
      ...unknownOptions(options, optionNames),
      ...textMistakes({ ...(repo ? { repo } : {}), branch, workdir }),
      ...gitAccessMistakes(repo, options),
      ...(cleanModes.includes(clean) ? [] : [`clean: must be one of ${cleanModes.join(', ')}`]),
      ...(isCount(depth) && depth > 0 ? [] : ['depth: must be a positive integer']),
      ...durationMistakes({ timeout, 'retry.delay': retry?.delay }),
      ...(isCount(retry?.count ?? 0) ? [] : ['retry.count: must be an integer of 0 or more']),
    ],
    run: (context) => new Checkout(context, options).run(),
  })
}

class Checkout {
  readonly #context: StepContext
  readonly #options: GitOptions
  readonly #workdir: string
  readonly #repo: string
  readonly #branch: string | null
  readonly #revision: string | null
  /** What lets git in. */
  readonly #access: GitAccess
  #env: (CommandRequest & { op: 'shell' })['env'] = {}

  constructor(context: StepContext, options: GitOptions) {
    const own = <T>(value: Renderable<T>) => render(value, context.properties)
    const { branch, revision } = context.build.source
    this.#context = context
    this.#options = options
    this.#workdir = own(options.workdir ?? '.')
    this.#repo = own(options.repo)
    this.#branch = branch ?? own(options.branch) ?? null
    this.#revision = revision
    const { credentials, knownHosts, sshKey } = options
    this.#access = own({ credentials, knownHosts, sshKey } as GitAccess)
  }

  async run(): Promise<StepOutcome> {
    for (const [what, value] of Object.entries({
      repository: this.#repo,
      branch: this.#branch,
      revision: this.#revision,
    })) {
      if (value !== null && unsafe(value, what))
        return { result: 'FAILURE', summary: `not a ${what}: ${JSON.stringify(value.slice(0, 80))}` }
    }
    try {
      this.#env = gitEnv(this.#repo, this.#access)
    } catch (error) {
      return { result: 'FAILURE', summary: messageOf(error) }
    }
    const { count = 2, delay = 5 } = this.#options.retry ?? {}
    for (let attempt = 0; ; attempt++) {
      try {
        const revision = await this.#checkOut()
        await this.#context.setProperty('got_revision', revision)
        return { result: 'SUCCESS', summary: revision.slice(0, 12) }
      } catch (error) {
        if (!(error instanceof GitFailure)) throw error
        if (error.final || attempt >= count) return error.outcome
      }
      await this.#context.note(`It is tried again in ${humanDuration(seconds(delay) * 1000)}.`)
      await this.#context.sleep(delay)
      // It may be broken, or locked by a git that was killed: the last attempt starts from nothing.
      if (attempt + 1 === count) await this.#context.command({ op: 'rmdir', path: `${this.#workdir}/.git` })
    }
  }

  /** Returns the commit that is checked out. */
  async #checkOut(): Promise<string> {
    const { clean = 'all' } = this.#options
    await this.#git('init', '--quiet', '.')
    await this.#git('config', 'remote.origin.url', this.#repo)
    // git refuses a repository of this machine that another user owns, such as one made before `sudo npm start`.
    if (isLocal(this.#repo)) await this.#git('config', 'remote.origin.uploadpack', trustingUploadPack)
    if (this.#options.lfs) await this.#git('lfs', 'install', '--local', '--skip-repo')
    const commit =
      this.#revision === null
        ? await this.#fetchName(this.#branch ?? 'HEAD')
        : await this.#fetchRevision(this.#revision)
    await this.#git('checkout', '--force', '--detach', '--quiet', commit)
    if (clean !== 'none') await this.#git('clean', '-ffdq', ...(clean === 'all' ? ['-x'] : []))
    if (this.#options.submodules) await this.#updateSubmodules(clean)
    return commit
  }

  async #updateSubmodules(clean: (typeof cleanModes)[number]): Promise<void> {
    await this.#git('submodule', 'sync', '--quiet', '--recursive')
    await this.#git('submodule', 'update', '--init', '--recursive', '--force', ...this.#shallow())
    if (clean === 'none') return
    const command = `git clean -ffdq${clean === 'all' ? ' -x' : ''}`
    await this.#git('submodule', '--quiet', 'foreach', '--recursive', command)
  }

  #shallow(): string[] {
    const { depth } = this.#options
    return depth === undefined ? [] : [`--depth=${depth}`]
  }

  async #fetchRevision(revision: string): Promise<string> {
    if (this.#options.depth !== undefined) {
      try {
        return await this.#fetchName(revision)
      } catch (error) {
        // An old server gives no commit by its id. All of the history has it, also in a workspace that was shallow so far.
        if (!(error instanceof GitFailure) || error.outcome.result === 'CANCELLED') throw error
        await this.#fetch(wholeHistory, 'origin', '+refs/heads/*:refs/remotes/origin/*')
      }
    }
    await this.#fetch('--prune', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*')
    // A name is asked of the repository: what this workspace has under it may be old.
    if (!/^[0-9a-f]{4,64}$/i.test(revision)) return this.#fetchName(revision)
    const known = await this.#run('rev-parse', '--quiet', '--verify', `${revision}^{commit}`)
    return known.exitCode === 0 ? known.stdout.trim() : this.#fetchName(revision)
  }

  /** Fetches a branch, a tag, or a commit that is on no branch. */
  async #fetchName(name: string): Promise<string> {
    try {
      await this.#fetch('--no-tags', ...this.#shallow(), 'origin', name)
    } catch (error) {
      if (error instanceof GitFailure && !error.final && (await this.#isMissing(name)))
        throw new GitFailure({ result: 'FAILURE', summary: this.#missing(name) }, { final: true })
      throw error
    }
    const { stdout } = await this.#git('rev-parse', '--verify', 'FETCH_HEAD^{commit}')
    return stdout.trim()
  }

  /** Whether the repository answers, and knows no branch or tag of this name. */
  async #isMissing(name: string): Promise<boolean> {
    const isWhole = name === 'HEAD' || name.startsWith('refs/')
    const refs = isWhole ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`]
    const { exitCode } = await this.#run('ls-remote', '--exit-code', '--quiet', 'origin', ...refs)
    return exitCode === noSuchRef
  }

  #missing(name: string): string {
    if (name === 'HEAD') return 'the repository has no default branch: is it empty?'
    return `the repository has no ${this.#revision === null ? 'branch or tag' : 'revision'} ${name}`
  }

  // Its housekeeping goes on behind the step's back otherwise.
  async #fetch(...args: string[]): Promise<void> {
    await this.#git('-c', 'gc.autoDetach=false', 'fetch', '--progress', '--force', ...args)
  }

  async #git(...args: string[]): Promise<CommandOutcome> {
    const outcome = await this.#run(...args)
    if (outcome.exitCode === 0 && outcome.reason === null) return outcome
    const { result, summary } = shellOutcome(outcome)
    const final = outcome.reason === 'cancelled' || outcome.reason === 'notStarted'
    const name = args.find((arg) => /^[a-z-]+$/.test(arg) && !arg.startsWith('-'))
    throw new GitFailure({ result, summary: `git ${name}: ${summary}` }, { final })
  }

  #run(...args: string[]): Promise<CommandOutcome> {
    const { timeout } = this.#options
    return this.#context.command(
      {
        op: 'shell',
        command: ['git', ...args],
        workdir: this.#workdir,
        // A workspace that is broken must not make git take a repository around it instead.
        env: { GIT_DIR: '.git', GIT_TERMINAL_PROMPT: '0', ...this.#env },
        ...(timeout === undefined ? {} : { timeout }),
      },
      { capture: args[0] === 'rev-parse' ? 200 : 0 },
    )
  }
}

/** A git command that did not succeed; `final`: another attempt would not change that. */
class GitFailure extends Error {
  readonly outcome: StepOutcome
  readonly final: boolean

  constructor(outcome: StepOutcome, { final }: { final: boolean }) {
    super(outcome.summary)
    this.outcome = outcome
    this.final = final
  }
}

// Branch and revision come from people and webhooks: nothing of them may be read as an option or a refspec.
function unsafe(value: string, what: string): boolean {
  if (typeof value !== 'string') throw new TypeError(`the ${what} must be a string, got ${typeof value}`)
  if (value === '' || value.startsWith('-') || /[\0-\x1f\x7f]/.test(value)) return true
  return what !== 'repository' && /[\s:?*[\\~^]|\.\.|@\{/.test(value)
}

function isLocal(repo: string): boolean {
  return /^(\/|\.\.?\/|file:)/.test(repo)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

const optionNames = [
  'name',
  'repo',
  'branch',
  'workdir',
  'clean',
  'depth',
  'submodules',
  'lfs',
  'timeout',
  'retry',
  'credentials',
  'sshKey',
  'knownHosts',
]
const trustingUploadPack = "git -c safe.directory='*' upload-pack"
/** As deep as git can count, which is whole. */
const wholeHistory = '--depth=2147483647'
const cleanModes = ['all', 'untracked', 'none'] as const
/** What `git ls-remote --exit-code` ends with. */
const noSuchRef = 2
