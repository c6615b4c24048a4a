import { hasCode } from './ec2-error.ts'
import type { Ec2Api } from './ec2-api.ts'

/**
 * Machines to be ended. Those that wait for their turn at the same time share a call, so that hundreds that become idle
 * at once end within seconds. What AWS refuses because of some of them is asked for again without those, or in halves:
 * no machine lives on because of another one.
 */
export class Terminations {
  readonly #api: Ec2Api
  /** Its call waits for its turn: more may join. */
  #open: Group | undefined

  constructor(api: Ec2Api) {
    this.#api = api
  }

  /** Resolves when AWS has agreed to end this one; rejects with what it said of it, or when the signal is aborted. */
  end(ref: string, signal: AbortSignal): Promise<void> {
    const order = new Order(ref, signal)
    if (this.#open?.takesMore) this.#open.add(order)
    else void this.#send((this.#open = new Group([order])))
    return order.done
  }

  // Never rejects: each order hears what became of it.
  async #send(group: Group): Promise<void> {
    const close = () => {
      if (this.#open === group) this.#open = undefined
    }
    try {
      await this.#api.call(operation, { signal: group.signal, urgency: 'stop' }, (ec2, o) => {
        close()
        return ec2.terminateInstances({ InstanceIds: group.refs }, o)
      })
      for (const order of group.orders) order.settle()
    } catch (error) {
      close()
      const { blamed, again } = split([...group.orders], error)
      for (const order of blamed) order.settle(error)
      await Promise.all(again.map((orders) => this.#send(new Group(orders))))
    }
  }
}

/** Whom a refusal is for, and what is asked for once more. */
function split(orders: readonly Order[], error: unknown): { blamed: readonly Order[]; again: Order[][] } {
  if (orders.length < 2 || !hasCode(error, aboutMachines)) return { blamed: orders, again: [] }
  const named = new Set(error.message.match(/\bi-[0-9a-z]+/g))
  const blamed = orders.filter(({ ref }) => named.has(ref))
  const others = orders.filter(({ ref }) => !named.has(ref))
  if (blamed.length > 0) return { blamed, again: others.length > 0 ? [others] : [] }
  const half = Math.ceil(orders.length / 2)
  return { blamed: [], again: [orders.slice(0, half), orders.slice(half)] }
}

/** One machine, for one caller. */
class Order {
  readonly ref: string
  readonly signal: AbortSignal
  readonly done: Promise<void>
  /** What it is a part of now. */
  group: Group | undefined
  readonly #outcome = Promise.withResolvers<void>()

  constructor(ref: string, signal: AbortSignal) {
    this.ref = ref
    this.signal = signal
    const giveUp = () => this.group?.leave(this)
    signal.addEventListener('abort', giveUp, { once: true })
    this.done = this.#outcome.promise.finally(() => signal.removeEventListener('abort', giveUp))
  }

  settle(error?: unknown): void {
    if (error === undefined) this.#outcome.resolve()
    else this.#outcome.reject(error)
  }
}

/** Orders that go in one call. */
class Group {
  readonly orders = new Set<Order>()
  readonly #abort = new AbortController()

  constructor(orders: readonly Order[]) {
    for (const order of orders) this.add(order)
    if (this.orders.size === 0) this.#abort.abort(new Error('nobody waits for it'))
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get takesMore(): boolean {
    return this.orders.size < mostPerCall && !this.signal.aborted
  }

  get refs(): string[] {
    return [...new Set([...this.orders].map(({ ref }) => ref))]
  }

  add(order: Order): void {
    if (order.signal.aborted) return order.settle(givenUp(order))
    order.group = this
    this.orders.add(order)
  }

  /** The call ends with the last that waits for it, who hears how far it came. */
  leave(order: Order): void {
    if (!this.orders.has(order)) return
    if (this.orders.size === 1) return this.#abort.abort(order.signal.reason)
    this.orders.delete(order)
    order.settle(givenUp(order))
  }
}

function givenUp({ signal }: Order): Error {
  return new Error(`${operation}: given up before AWS had answered`, { cause: signal.reason })
}

const operation = 'TerminateInstances'
/** AWS takes more, and advises against it. */
const mostPerCall = 100
/** Anything but what is wrong with the account or with EC2 itself, whichever machine is asked for. */
const aboutMachines =
  /^(?!AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient|ExpiredToken|RequestExpired|OptInRequired|Blocked|(Service)?Unavailable)/
