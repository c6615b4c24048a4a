import type { InstanceId } from '../../src/latent/backend.ts'
import type { Clock } from '../../src/util/clock.ts'
import { tags } from './stamps.ts'
import { isEnding, type Machine } from './machine.ts'

/** What the last list and the answers since then have shown: a stop need not ask again. Nothing in it is needed for being right. */
export class Sightings {
  readonly #clock: Clock
  /** Milliseconds for which an answer counts although lists do not show the machine. */
  readonly #kept: number
  #machines = new Map<InstanceId, Machine[]>()
  readonly #answers = new Map<string, { readonly id: InstanceId; readonly machine: Machine; at: number }>()
  /** Machines that `stop` was called for. */
  readonly #stopped = new Set<string>()
  readonly #ended = new Map<string, number>()

  constructor({ clock, kept }: { clock: Clock; kept: number }) {
    this.#clock = clock
    this.#kept = kept
  }

  /** The bearers of an id; undefined: nothing is known of it. */
  of(id: InstanceId): readonly Machine[] | undefined {
    return this.#machines.get(id)
  }

  /** From the answer to a start. */
  add(id: InstanceId, machine: Machine): void {
    this.#answers.set(machine.ref, { id, machine, at: this.#clock.now() })
    this.#insert(id, machine)
  }

  /** It was made so lately that EC2 may not know of it. */
  isNew({ ref }: Machine): boolean {
    const answer = this.#answers.get(ref)
    return answer !== undefined && this.#clock.now() - answer.at < this.#kept
  }

  begin(): number {
    return this.#clock.now()
  }

  /** A list that was asked for at `begun` has shown these. */
  replace(machines: readonly Machine[], begun: number): void {
    this.#machines = new Map()
    for (const machine of machines) {
      const ended = this.#ended.get(machine.ref)
      // A list that does not know it yet must not have it ended once more.
      if (ended !== undefined && begun - ended < this.#kept && !isEnding(machine))
        machine.state = 'shutting-down'
      this.#insert(machine.tags[tags.instance] ?? '', machine)
    }
    for (const [ref, { at, id, machine }] of this.#answers) {
      if (begun - at > this.#kept) this.#answers.delete(ref)
      else this.#insert(id, machine)
    }
    const present = new Set([...this.#machines.values()].flat().map(({ ref }) => ref))
    for (const ref of this.#stopped) if (!present.has(ref)) this.#stopped.delete(ref)
    for (const ref of this.#ended.keys()) if (!present.has(ref)) this.#ended.delete(ref)
  }

  /** EC2 has agreed to end it. */
  ended(machine: Machine): void {
    machine.state = 'shutting-down'
    this.#ended.set(machine.ref, this.#clock.now())
  }

  stopped(machines: readonly Machine[]): void {
    for (const { ref } of machines) this.#stopped.add(ref)
  }

  wasStopped({ ref }: Machine): boolean {
    return this.#stopped.has(ref)
  }

  #insert(id: InstanceId, machine: Machine): void {
    const bearers = this.#machines.get(id) ?? []
    if (!bearers.some(({ ref }) => ref === machine.ref)) this.#machines.set(id, [...bearers, machine])
  }
}
