import { onTestFinished } from 'vitest'
import { runAgent } from '../../src/agent/connector/run-agent.ts'
import type { Log } from '../../src/agent/log.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import type { WireMaster } from './wire-master.ts'

export interface TestAgent {
  readonly baseDir: string
  readonly log: RecordedLog
  drain(): void
  cancel(): void
  kill(): void
  /** Resolves when the agent has ended, with how. */
  readonly ended: Promise<'ended' | 'gave up'>
}

export interface TestAgentOptions {
  readonly masters?: readonly string[]
  readonly password?: string
  readonly baseDir?: string
  readonly ca?: string
  readonly maxSpool?: number
  readonly instance?: boolean
  /** Seconds. */
  readonly giveUp?: number
}

/** An agent in this process, connected to the master; killed at the end of the test. */
export async function startAgent(master: WireMaster, options: TestAgentOptions = {}): Promise<TestAgent> {
  const agent = await launchAgent({ masters: [master.url], ...options })
  await master.connected()
  return agent
}

/** The same without waiting for a connection. */
export async function launchAgent({
  masters = [],
  password = 'secret',
  baseDir,
  ca,
  maxSpool,
  instance,
  giveUp,
}: TestAgentOptions): Promise<TestAgent> {
  const dir = baseDir ?? (await tempDir())
  const log = new RecordedLog()
  const [drain, cancel, kill] = [new AbortController(), new AbortController(), new AbortController()]
  const login = { name: 'bot', password, ca, instance }
  const signals = { drain: drain.signal, cancel: cancel.signal, kill: kill.signal }
  const ended = runAgent({ masters, ...login, baseDir: dir, log, maxSpool, giveUp, ...signals })
  ended.catch(() => {})
  onTestFinished(async () => {
    kill.abort()
    await ended.catch(() => {})
  })
  return {
    baseDir: dir,
    log,
    drain: () => drain.abort(),
    cancel: () => cancel.abort(),
    kill: () => kill.abort(),
    ended,
  }
}

export class RecordedLog implements Log {
  readonly lines: string[] = []

  get text(): string {
    return this.lines.join('\n')
  }

  debug(): void {}

  info(message: string): void {
    this.lines.push(`info ${message}`)
  }

  warn(message: string): void {
    this.lines.push(`warn ${message}`)
  }

  error(message: string): void {
    this.lines.push(`error ${message}`)
  }
}
