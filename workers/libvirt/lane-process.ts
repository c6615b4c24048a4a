import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { LaneAnswer, LaneRequest } from './lane-calls.ts'
import { LibvirtError } from './libvirt-error.ts'

/** A process that makes one call of libvirt after another. */
export class LaneProcess {
  readonly #child: ChildProcess
  #said = ''
  #alive = true
  #call: PromiseWithResolvers<unknown> | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor(uri: string, onEnd: () => void) {
    // Sources run as they are, the package has JavaScript.
    const file = new URL(import.meta.url.endsWith('.ts') ? './lane.ts' : './lane.js', import.meta.url)
    this.#child = fork(file, [uri], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const child = this.#child
    child.stderr!.on('data', (data) => (this.#said = (this.#said + String(data)).slice(-saidBytes)))
    child.on('message', (answer: LaneAnswer) => this.#take(answer))
    const ended = (reason: string) => {
      if (!this.#alive) return
      this.#alive = false
      clearTimeout(this.#idleTimer)
      this.#call?.reject(new Error(`${reason} ${this.#said.trim()}`.trim()))
      onEnd()
    }
    child.on('error', (error) => ended(`a process that calls libvirt cannot be used: ${error.message}.`))
    child.on('exit', () => ended('a process that calls libvirt has ended.'))
  }

  get isAlive(): boolean {
    return this.#alive
  }

  /** Rejects when the process ends before its answer, which it does some seconds after the signal if it has not answered by then. */
  async perform(request: LaneRequest, signal: AbortSignal): Promise<unknown> {
    clearTimeout(this.#idleTimer)
    const call = Promise.withResolvers<unknown>()
    this.#call = call
    let tooLate: NodeJS.Timeout | undefined
    const onAbort = () => (tooLate = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#child.send(request)
      return await call.promise
    } finally {
      clearTimeout(tooLate)
      signal.removeEventListener('abort', onAbort)
      this.#call = undefined
    }
  }

  /** Ends it when it has had nothing to do for so long. */
  endWhenIdleFor(ms: number): void {
    if (!this.#alive) return
    this.#idleTimer = setTimeout(() => void this.end(), ms)
    this.#idleTimer.unref()
  }

  /** Ends it, whatever it does: a call may be one that never comes back. */
  async end(): Promise<void> {
    if (!this.#alive) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }

  #take(answer: LaneAnswer): void {
    if (answer.ok) return this.#call?.resolve(answer.result)
    const { code, domain, message } = answer
    this.#call?.reject(code === undefined ? new Error(message) : new LibvirtError(message, code, domain))
  }
}

/** How long a call that nobody waits for any more may go on, in milliseconds. */
const patienceMs = 5000
const saidBytes = 2000
