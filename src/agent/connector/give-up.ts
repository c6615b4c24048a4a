import { humanDuration } from '../../model/durations.ts'
import { systemClock } from '../../util/clock.ts'
import type { Log } from '../log.ts'
import type { RemoteSupervisor } from '../process/remote-supervisor.ts'
import { Deadline } from '../supervisor/deadline.ts'

export interface GiveUpOptions {
  /** Seconds without a master; undefined is never. */
  readonly after: number | undefined
  readonly log: Log
  /** Called once. */
  readonly onGiveUp: () => void
}

/**
 * Notices that no master has been there for too long: the last safety net against what a machine costs when its master is gone
 * for good. Commands that still run are waited for; the supervisor ends them when their master has been away for
 * `maxDisconnected`.
 */
export class GiveUp {
  #supervisor: RemoteSupervisor | undefined
  readonly #o: GiveUpOptions
  readonly #over = new AbortController()
  #deadline: Deadline | undefined
  /** Counts contacts, to see whether one came while commands were waited for. */
  #contacts = 0
  /** Seconds. */
  #maxDisconnected = 3600

  constructor(options: GiveUpOptions) {
    this.#o = options
  }

  /** This is the present supervisor, whose commands count. With the first one the time begins. */
  begin(supervisor: RemoteSupervisor): void {
    this.#supervisor = supervisor
    if (!this.#deadline) this.lost()
  }

  /** A master has welcomed the agent. */
  contact(maxDisconnected: number | undefined): void {
    this.#contacts++
    this.#deadline?.stop()
    this.#maxDisconnected = maxDisconnected ?? 3600
  }

  /** The connection to it has ended. */
  lost(): void {
    const { after } = this.#o
    if (after === undefined || this.#over.signal.aborted) return
    this.#deadline?.stop()
    this.#deadline = new Deadline(after * 1000, () => void this.#expired(after))
  }

  stop(): void {
    this.#over.abort()
    this.#deadline?.stop()
  }

  // Never rejects.
  async #expired(after: number): Promise<void> {
    const { log, onGiveUp } = this.#o
    const before = this.#contacts
    log.warn(`no master for ${humanDuration(after * 1000)}: ending as soon as nothing runs`)
    // Longer than a supervisor lets them run: even one that does not answer must not cost money for ever.
    const most = Math.min(this.#maxDisconnected + marginSeconds, mostSeconds)
    const longest = systemClock.sleep(most * 1000, this.#over.signal)
    await Promise.race([this.#supervisor?.idle(), this.#supervisor?.lost, longest.catch(() => {})])
    if (this.#over.signal.aborted || this.#contacts !== before) return
    this.stop()
    log.warn('giving up')
    onGiveUp()
  }
}

const marginSeconds = 300
// Node fires timers of more than 24.8 days at once.
const mostSeconds = 24 * 86_400
