import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { CommandResult, ShellOperation } from '../../protocol/operation.ts'
import { Deadline } from './deadline.ts'
import type { MaskedOutput } from './mask/masked-output.ts'
import { groupExists, signalGroup } from './process-group.ts'
import type { OperationContext } from './operation-context.ts'
import { inWords } from './shell-header.ts'
import type { SpawnedShell } from './spawn-shell.ts'
import { stopOf, type Stop } from './stop.ts'

/**
 * A started command until nothing of it is left.
 *
 *     runs ── its leader exits ──► lingers until its output is closed, at most `lingerMs` ── SIGKILL to the rest ──► ended
 *      └── timeout, maxTime, cancel: SIGTERM ── grace: SIGKILL ──► stops until its process group is gone ──────────► ended
 *
 * While the log is full nothing is read, and neither the silence timeout nor the lingering counts.
 */
export class ShellRun {
  readonly finished: Promise<CommandResult>
  readonly #operation: ShellOperation
  readonly #output: MaskedOutput
  readonly #spawned: SpawnedShell
  readonly #silence: Deadline
  readonly #lifetime: Deadline
  readonly #streams: readonly Readable[]
  #grace: Deadline | undefined
  #linger: Deadline | undefined
  #why: Stop | undefined
  #exited = false
  /** Nothing was left of its process group when its leader exited: the number may soon be another's. */
  #groupGone = false
  #killedAt: number | undefined
  #paused = false

  constructor(operation: ShellOperation, context: OperationContext, spawned: SpawnedShell) {
    const { timeout, maxTime } = operation
    this.#operation = operation
    this.#output = context.output
    this.#spawned = spawned
    this.#streams = [spawned.stdout, spawned.stderr]
    this.#silence = new Deadline(timeout * 1000, () =>
      this.#stop({ reason: 'timeout', message: `silent for ${inWords(timeout)}` }),
    )
    this.#lifetime = new Deadline(maxTime * 1000, () =>
      this.#stop({ reason: 'maxTime', message: `ran for ${inWords(maxTime)}` }),
    )
    this.finished = this.#run(context)
  }

  /** It gave a sign of life in another way than by its output. */
  heard(): void {
    if (!this.#paused) this.#silence.restart()
  }

  async #run({ cancel, kill, output }: OperationContext): Promise<CommandResult> {
    const onCancel = () => this.#stop(stopOf(cancel))
    const onKill = () => this.#kill(stopOf(kill))
    const closed = Promise.all([
      this.#read('stdout', this.#spawned.stdout),
      this.#read('stderr', this.#spawned.stderr),
    ])
    output.onRoom = () => this.#resume()
    cancel.addEventListener('abort', onCancel)
    kill.addEventListener('abort', onKill)
    // What was aborted while the command was being started.
    if (cancel.aborted) onCancel()
    if (kill.aborted) onKill()
    try {
      const [exitCode, signal] = (await once(this.#spawned.child, 'exit')) as [number | null, string | null]
      this.#exited = true
      this.#groupGone = !groupExists(this.#spawned.pid)
      this.#silence.stop()
      this.#lifetime.stop()
      if (this.#why) await this.#groupEnds()
      await this.#outputEnds(closed)
      return {
        exitCode,
        signal,
        reason: this.#why?.reason ?? null,
        ...(this.#why && { message: this.#why.message }),
      }
    } finally {
      cancel.removeEventListener('abort', onCancel)
      kill.removeEventListener('abort', onKill)
      this.#grace?.stop()
      output.onRoom = () => {}
      for (const stream of this.#streams) stream.destroy()
    }
  }

  async #read(name: 'stdout' | 'stderr', stream: Readable): Promise<void> {
    stream.on('data', (bytes: Buffer) => {
      this.#silence.restart()
      this.#output.append(name, bytes)
      if (this.#output.full) this.#pause()
    })
    // A stream that fails is closed next, which is all there is to know.
    stream.on('error', () => {})
    stream.resume()
    await new Promise((resolve) => stream.once('close', resolve))
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    for (const stream of this.#streams) stream.pause()
    this.#silence.pause()
    this.#linger?.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#silence.restart()
    this.#linger?.restart()
    for (const stream of this.#streams) stream.resume()
  }

  #stop(stop: Stop): void {
    // It has ended by itself; what it left behind need not be waited for.
    if (this.#exited) return this.#signal('SIGKILL')
    if (this.#why) return
    this.#why = stop
    this.#output.appendHeader(`${stop.message}: ending it\n`)
    const { grace } = this.#operation
    if (grace === 0) return this.#signal('SIGKILL')
    this.#signal('SIGTERM')
    this.#grace = new Deadline(grace * 1000, () => {
      this.#output.appendHeader(`still there ${inWords(grace)} after SIGTERM: killing it\n`)
      this.#signal('SIGKILL')
    })
  }

  #kill(stop: Stop): void {
    if (!this.#exited) this.#why ??= stop
    this.#signal('SIGKILL')
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (signal === 'SIGKILL') this.#killedAt ??= performance.now()
    if (!this.#groupGone) signalGroup(this.#spawned.pid, signal)
  }

  async #groupEnds(): Promise<void> {
    for (let pause = 5; groupExists(this.#spawned.pid); pause = Math.min(200, pause * 2)) {
      // It may have become another user by sudo, or hang in the kernel.
      if (this.#killedAt !== undefined && performance.now() - this.#killedAt > unkillableMs)
        return this.#output.appendHeader('some of its processes cannot be killed: they are left behind\n')
      await delay(pause)
    }
  }

  async #outputEnds(closed: Promise<unknown>): Promise<void> {
    if (await this.#within(lingerMs, closed)) return
    if (!this.#why) this.#output.appendHeader('it left processes behind that hold its output: killing them\n')
    this.#signal('SIGKILL')
    // Whoever has left the process group may hold it for ever.
    await this.#within(lastWordsMs, closed)
  }

  async #within(ms: number, closed: Promise<unknown>): Promise<boolean> {
    let linger: Deadline | undefined
    const expired = new Promise<boolean>((resolve) => {
      linger = new Deadline(ms, () => resolve(false))
    })
    this.#linger = linger
    if (this.#paused) linger?.pause()
    try {
      return await Promise.race([closed.then(() => true), expired])
    } finally {
      linger?.stop()
    }
  }
}

const lingerMs = 2000
const lastWordsMs = 500
const unkillableMs = 5000
