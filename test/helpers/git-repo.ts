import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A real repository of a test's own, without anything of the user's configuration. */
export class GitRepo {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  static async create(dir: string): Promise<GitRepo> {
    const repo = new GitRepo(dir)
    await mkdir(dir, { recursive: true })
    await repo.git('init', '--quiet', '--initial-branch=main')
    return repo
  }

  /** Runs git in the repository; what it printed. */
  async git(...args: string[]): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      HOME: this.dir,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
    }
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com']
    const { stdout } = await run('git', [...identity, ...args], { cwd: this.dir, env })
    return stdout.trim()
  }

  /** Commits a file of this text; the commit's id. */
  async commit(text: string, file = 'file'): Promise<string> {
    await writeFile(join(this.dir, file), `${text}\n`)
    await this.git('add', '--force', '--', file)
    await this.git('commit', '--quiet', '--message', text)
    return this.git('rev-parse', 'HEAD')
  }
}
