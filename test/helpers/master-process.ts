import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { waitFor } from './wait-for.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const cliArgs = ['--conditions=source', join(root, 'src/cli.ts')]

export interface MasterOptions {
  /** Source of master.config.ts, after its imports; gets `listen` and `rouse` (everything that 'rouse' exports). */
  readonly config: string
  /** The source has its own imports and reads the port from PORT. */
  readonly whole?: boolean
  /** More files beside it. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: NodeJS.ProcessEnv
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Takes what is to be released in the end, last first. */
export type OnEnd = (release: () => Promise<unknown>) => void

/** A real master in a process and folder of its own, over a PostgreSQL of its own. */
export class MasterProcess {
  readonly dir: string
  readonly port: number
  readonly #env: NodeJS.ProcessEnv
  readonly #onEnd: OnEnd
  #child: ChildProcess | undefined
  /** Resolves with the exit code of the process that was started last; null when a signal ended it. */
  ended: Promise<number | null> | undefined
  output = ''

  constructor(dir: string, port: number, env: NodeJS.ProcessEnv, onEnd: OnEnd) {
    this.dir = dir
    this.port = port
    this.#env = env
    this.#onEnd = onEnd
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get pid(): number {
    return this.#child!.pid!
  }

  async start(): Promise<void> {
    const child = this.spawnCli(['start'])
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (data) => (this.output += String(data)))
    this.ended = once(child, 'exit').then(([code]) => code as number | null)
    const ended = this.ended.then((code) => {
      throw new Error(`the master ended with ${String(code)}:\n${this.output}`)
    })
    const ready = waitFor('the master', async () => (await fetch(`${this.url}/api/v1/ready`)).ok, {
      timeout: 60_000,
    })
    await Promise.race([ready, ended])
    ended.catch(() => {})
  }

  /** Sends a signal and waits until the process is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
    return child.exitCode
  }

  spawnCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [...cliArgs, ...args], {
      cwd: this.dir,
      env: { ...this.#env, ROUSE_URL: this.url, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Runs a client command to its end. */
  async cli(...args: string[]): Promise<Finished> {
    return finished(this.spawnCli(args))
  }

  async api<T = any>(path: string, init: RequestInit & { json?: unknown } = {}): Promise<T> {
    const { json, ...rest } = init
    const headers = new Headers(rest.headers)
    if (json !== undefined) headers.set('content-type', 'application/json')
    const body = json === undefined ? {} : { body: JSON.stringify(json) }
    const answer = await fetch(`${this.url}/api/v1${path}`, { ...rest, ...body, headers })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }

  /** Forces a builder and returns the request's id. */
  async force(builder: string, body: object = {}): Promise<number> {
    const { requestIds } = await this.api(`/builders/${builder}/force`, { method: 'POST', json: body })
    return requestIds[0]
  }

  /** Waits for the end of a request and returns it. */
  request(id: number, timeout = 60_000): Promise<any> {
    return waitFor(
      `the end of r${id}`,
      async () => {
        const request = await this.api(`/requests/${id}`)
        return request.state === 'complete' ? request : undefined
      },
      { timeout },
    )
  }

  /** Everything that the logs of a build say; `streams` leaves out the others: 'stdout,stderr'. */
  async logText(build: number, streams?: string): Promise<string> {
    const query = streams === undefined ? '' : `?streams=${streams}`
    let text = ''
    for (const step of (await this.api(`/builds/${build}/steps`)).items) {
      for (const log of (await this.api(`/steps/${step.id}/logs`)).items) {
        text += await (await fetch(`${this.url}/api/v1/logs/${log.id}/text${query}`)).text()
      }
    }
    return text
  }

  /** Starts an agent as its own process. It ends with the master, or with `onEnd` where that is given. */
  agent(name: string, password: string, o: AgentProcessOptions = {}): Promise<AgentProcess> {
    return startAgent(this, name, password, { onEnd: this.#onEnd, ...o })
  }

  async #stopPostgres(): Promise<void> {
    const pidFile = join(this.dir, 'rouse-data/postgres/postmaster.pid')
    const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0])
    if (pid > 0) {
      process.kill(pid, 'SIGQUIT')
      await waitFor('PostgreSQL to end', () => !alive(pid))
    }
  }

  async close(): Promise<void> {
    await this.end('SIGKILL')
    const workers = join(this.dir, 'rouse-data/workers')
    for (const name of await readdir(workers).catch(() => [])) {
      await killSupervisor(join(workers, name))
      await killCommands(join(workers, name))
    }
    await this.#stopPostgres().catch(() => {})
  }
}

export interface AgentProcessOptions {
  readonly baseDir?: string
  /** Default: `rouse worker`. */
  readonly command?: readonly string[]
  /** Default: the master's own address. */
  readonly masters?: readonly string[]
  readonly onEnd?: OnEnd
}

export interface AgentProcess {
  readonly child: ChildProcess
  readonly baseDir: string
  /** Resolves with its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  output(): string
  /** Sends a signal to the connector, the process that was started, and waits for its end. */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** Kills connector and supervisor. What they were running goes on without them. */
  die(): Promise<void>
}

export async function launchMaster(options: MasterOptions, onEnd: OnEnd): Promise<MasterProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'rouse-master-'))
  onEnd(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  const port = await freePort()
  await mkdir(join(dir, 'node_modules'))
  await symlink(root, join(dir, 'node_modules/rouse'))
  const head = `import * as rouse from 'rouse'
const listen = { host: '127.0.0.1', port: ${port} }
`
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(dir, name), text)
  const source = options.whole
    ? options.config
    : `${head}${options.config}
`
  await writeFile(join(dir, 'master.config.ts'), source)
  const master = new MasterProcess(dir, port, { ...process.env, PORT: String(port), ...options.env }, onEnd)
  onEnd(() => master.close())
  await master.start()
  return master
}

async function startAgent(
  master: MasterProcess,
  name: string,
  password: string,
  o: AgentProcessOptions & { onEnd: OnEnd },
): Promise<AgentProcess> {
  const { baseDir: dir = join(master.dir, `agent-${name}`), masters = [master.url], onEnd } = o
  const { command = [process.execPath, ...cliArgs, 'worker'] } = o
  const passwordFile = join(master.dir, `password-${name}`)
  await writeFile(passwordFile, password, { mode: 0o600 })
  const [program, ...args] = command
  const addresses = masters.flatMap((url) => ['--master', url])
  const options = [...addresses, '--name', name, '--password-file', passwordFile, '--base-dir', dir]
  const child = spawn(program!, [...args, ...options], { cwd: master.dir, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  const die = async () => {
    await end('SIGKILL')
    await killSupervisor(dir)
  }
  onEnd(async () => {
    await die()
    await killCommands(dir)
  })
  return { child, baseDir: dir, ended, output: () => output, end, die }
}

/** Kills the supervisor of a base dir, if there is one, and waits until it is gone. */
async function killSupervisor(baseDir: string): Promise<void> {
  const lock = await readFile(join(baseDir, '.rouse/supervisor.lock'), 'utf8').catch(() => undefined)
  if (lock === undefined) return
  const { pid } = JSON.parse(lock) as { pid: number }
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!commandLine.includes('supervis')) return
  process.kill(pid, 'SIGKILL')
  await waitFor('the supervisor to end', () => !alive(pid))
}

// What a killed agent was running goes on without it.
async function killCommands(baseDir: string): Promise<void> {
  const folder = join(baseDir, '.rouse/commands')
  for (const name of await readdir(folder).catch(() => [])) {
    const { pid } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { pid: number }
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

export async function finished(child: ChildProcess): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (data) => (stdout += String(data)))
  child.stderr!.on('data', (data) => (stderr += String(data)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // What nobody has reaped yet is dead all the same.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
