import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { tempDir } from '../helpers/temp-dir.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const fromSource = [process.execPath, join(root, 'src/agent/main.ts')]

export async function supervisorPid(baseDir: string): Promise<number> {
  return (JSON.parse(await readFile(join(baseDir, '.rouse/supervisor.lock'), 'utf8')) as { pid: number }).pid
}

interface StartOptions {
  readonly argv?: readonly string[]
  readonly baseDir?: string
  /** Further options. */
  readonly more?: readonly string[]
}

/** A real agent process, killed at the end of the test. */
export class AgentProcess {
  readonly child: ChildProcess
  readonly baseDir: string
  output = ''
  readonly #ended: Promise<number | null>

  constructor(argv: readonly string[], baseDir: string) {
    this.baseDir = baseDir
    this.child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd: baseDir })
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (data: Buffer) => (this.output += data.toString()))
    this.#ended = once(this.child, 'close').then(([code]) => code as number | null)
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.#ended
    })
  }

  /** Connects to a master as "bot". */
  static async start(
    master: string,
    { argv = fromSource, baseDir = '', more = [] }: StartOptions = {},
  ): Promise<AgentProcess> {
    const dir = baseDir || (await tempDir())
    const passwordFile = join(dir, 'password')
    await writeFile(passwordFile, 'secret\n', { mode: 0o600 })
    const options = ['--master', master, '--name', 'bot', '--password-file', passwordFile, '--base-dir', dir]
    return new AgentProcess([...argv, ...options, ...more], dir)
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Kills its supervisor, and says which process that was. */
  async killSupervisor(): Promise<number> {
    const pid = await this.supervisorPid()
    process.kill(pid, 'SIGKILL')
    return pid
  }

  async supervisorPid(): Promise<number> {
    return supervisorPid(this.baseDir)
  }

  /** Waits for the end of the process and gives its exit code. */
  ended(): Promise<number | null> {
    return this.#ended
  }
}
