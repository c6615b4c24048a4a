import { isDeepStrictEqual } from 'node:util'
import type { CollapseRequests, WaitingRequest } from '../config/types.ts'
import type { Property } from '../model/properties.ts'

/** A pending request that a scheduler has made, as the rules of collapsing see it. */
export interface CollapsibleRequest extends WaitingRequest {
  readonly submitted: readonly Property[]
}

/**
 * Which of the older pending requests of a builder a newer one makes superfluous. All of them were made by schedulers: what
 * people force and what a build waits for is never here. A user's function that throws, or answers something else than
 * true or false, collapses nothing more; `say` is told.
 */
export function collapsedBy<T extends CollapsibleRequest>(
  newer: T,
  olders: readonly T[],
  rule: CollapseRequests = true,
  say: (error: unknown) => void = () => {},
): T[] {
  const before = olders.filter((older) => older.id < newer.id && older.builder === newer.builder)
  if (rule === false) return []
  if (rule === 'all') return before
  if (rule === true) return before.filter((older) => isSameWork(older, newer))
  try {
    return before.filter((older) => answerOf(rule(older, newer)))
  } catch (error) {
    say(error)
    return []
  }
}

/** The same branch of the same repository with the same wishes: the newest revision stands for all of them. */
function isSameWork(a: CollapsibleRequest, b: CollapsibleRequest): boolean {
  return (
    a.source.repository === b.source.repository &&
    a.source.branch === b.source.branch &&
    isDeepStrictEqual(wishesOf(a), wishesOf(b))
  )
}

// What a commit brings along differs from one to the next, and which scheduler asked makes no difference.
function wishesOf({ submitted }: CollapsibleRequest): Map<string, unknown> {
  const wishes = submitted.filter(({ name, source }) => source !== 'change' && name !== 'scheduler')
  return new Map(wishes.map(({ name, value }) => [name, value]))
}

function answerOf(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TypeError(`collapseRequests returned ${String(answer)}: it must return true or false`)
}
