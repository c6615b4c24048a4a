import type { Result } from './results.ts'

/** What happened, told to readers after it is committed. */
export type EventBody =
  | { type: 'request.submitted'; request: number; buildset: number; builder: string }
  /** A lock or a function of the config has begun to hold it up. Other reasons and the place change with every build: ask for those. */
  | { type: 'request.waiting'; request: number; builder: string; reason: string }
  | { type: 'request.claimed'; request: number; build: number; builder: string }
  | {
      type: 'request.completed'
      request: number
      builder: string
      result: Result
      /** A newer request stands for it. */
      supersededBy?: number
    }
  | {
      type: 'build.started'
      build: number
      request: number
      builder: string
      worker: string
      attempt: number
    }
  | {
      type: 'build.finished'
      build: number
      request: number
      builder: string
      worker: string
      result: Result
    }
  | { type: 'step.added'; build: number; step: number; number: number; name: string }
  | { type: 'step.started'; build: number; step: number; number: number; name: string }
  | { type: 'step.waiting'; build: number; step: number; number: number; name: string; reason: string }
  | { type: 'step.finished'; build: number; step: number; number: number; name: string; result: Result }
  | { type: 'log.created'; build: number; step: number; log: number; name: string }
  | { type: 'log.grew'; build: number; log: number; bytes: number; lines: number }
  | { type: 'log.finished'; build: number; log: number; bytes: number; lines: number }
  | { type: 'worker.connected'; worker: string; address: string }
  | { type: 'worker.disconnected'; worker: string; reason: string }
  | { type: 'worker.changed'; worker: string }
  | { type: 'worker.missing'; worker: string; reason: string }
  | { type: 'instance.changed'; instance: string; name: string; worker: string; state: string }
  | { type: 'notice.changed'; notice: number; reporter: string }
  | { type: 'master.stopping' }

export type EventType = EventBody['type']

/** `id` is `<master run>:<sequence>`: a reader that reconnects names the last one it saw. */
export type RouseEvent = EventBody & { readonly id: string; readonly at: string }

/** Where events come from: publish is called after the commit, never before. */
export interface EventSource {
  /** Calls `listener` with every event from now on. Returns the unsubscribe function. */
  subscribe(listener: (event: RouseEvent) => void): () => void
  /** Events after `id`, oldest first; undefined when they are no longer kept or `id` is of another run. */
  since(id: string): readonly RouseEvent[] | undefined
}
