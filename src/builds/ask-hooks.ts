import { inspect } from 'node:util'
import type { BuilderHooks, FreeWorker, WaitingRequest } from '../config/types.ts'
import { messageOf } from '../model/errors.ts'

export interface HookQuestion {
  readonly hooks: BuilderHooks
  /** In the order of the queue. */
  readonly requests: readonly WaitingRequest[]
  /** Workers that could build a request now, in the order of preference. */
  readonly workersFor: (request: number) => readonly FreeWorker[]
  /** Rejects when the answers take too long. */
  readonly deadline: Promise<never>
  readonly failed: (error: Error) => void
}

export interface HookAnswer {
  readonly start?: { readonly request: number; readonly worker: string }
  /** Why requests wait that were asked about. */
  readonly reasons: ReadonlyMap<number, string>
}

/**
 * Asks a builder's functions which request to start on which worker. Where nextBuild or nextWorker fails, the usual order
 * holds; where canStartBuild does, the request waits.
 */
export async function askHooks(question: HookQuestion): Promise<HookAnswer> {
  const { requests, workersFor } = question
  const reasons = new Map<number, string>()
  const chosen = await chooseRequest(question)
  if (chosen === null) {
    for (const { id } of requests) reasons.set(id, "waits: its builder's nextBuild chose none")
    return { reasons }
  }
  for (const request of chosen ? [chosen] : requests) {
    const free = workersFor(request.id)
    if (free.length === 0) continue
    const worker = await chooseWorker(question, request, free)
    if (typeof worker !== 'string') return { start: { request: request.id, worker: worker.name }, reasons }
    reasons.set(request.id, worker)
  }
  return { reasons }
}

/** Undefined: the usual order. Null: none now. */
async function chooseRequest({
  deadline,
  failed,
  hooks,
  requests,
}: HookQuestion): Promise<WaitingRequest | null | undefined> {
  const { nextBuild } = hooks
  if (!nextBuild) return undefined
  try {
    const answer = await within(deadline, () => nextBuild([...requests]))
    return chosenFrom(requests, answer, 'nextBuild', ({ id }) => id)
  } catch (error) {
    failed(failure('nextBuild', error))
    return undefined
  }
}

/** A worker, or why there is none. */
async function chooseWorker(
  { deadline, failed, hooks, ...question }: HookQuestion,
  request: WaitingRequest,
  workers: readonly FreeWorker[],
): Promise<FreeWorker | string> {
  const { canStartBuild } = hooks
  for (let left = workers; left.length > 0;) {
    const worker = await preferred({ deadline, failed, hooks, ...question }, request, left)
    if (!worker) return "waits: its builder's nextWorker chose none"
    if (!canStartBuild) return worker
    try {
      const answer: unknown = await within(deadline, () => canStartBuild(request, worker))
      if (answer === true) return worker
      if (answer !== false) throw new TypeError(`it answered ${shown(answer)}: it must be true or false`)
    } catch (error) {
      const failed_ = failure('canStartBuild', error)
      failed(failed_)
      return `waits: ${failed_.message}`
    }
    left = left.filter((other) => other !== worker)
  }
  return "waits: its builder's canStartBuild said no"
}

async function preferred(
  { deadline, failed, hooks: { nextWorker } }: HookQuestion,
  request: WaitingRequest,
  workers: readonly FreeWorker[],
): Promise<FreeWorker | null> {
  if (!nextWorker) return workers[0]!
  try {
    const answer = await within(deadline, () => nextWorker([...workers], request))
    return chosenFrom(workers, answer, 'nextWorker', ({ name }) => name)
  } catch (error) {
    failed(failure('nextWorker', error))
    return workers[0]!
  }
}

/** One of the things shown, named by itself or its key. */
function chosenFrom<T, K>(
  shownOnes: readonly T[],
  answer: unknown,
  what: string,
  key: (one: T) => K,
): T | null {
  if (answer === null || answer === undefined) return null
  const found = shownOnes.find((one) => one === answer || key(one) === answer)
  if (found) return found
  throw new TypeError(`it answered ${shown(answer)}: ${what} must return one of those it was given, or null`)
}

async function within<T>(deadline: Promise<never>, call: () => T | Promise<T>): Promise<T> {
  return Promise.race([Promise.resolve().then(call), deadline])
}

function failure(hook: string, error: unknown): Error {
  return new Error(`its builder's ${hook} failed: ${messageOf(error)}`, { cause: error })
}

function shown(answer: unknown): string {
  return inspect(answer, { depth: 0, breakLength: Infinity }).slice(0, 100)
}
