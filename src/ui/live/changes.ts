import type { LiveEvent } from './event-stream.ts'

/** Which events change what a page shows. Logs that grow change no list. */
export const changesLists = (event: LiveEvent) =>
  !event.type.startsWith('log.') && !event.type.startsWith('step.')

export const changesWorkers = (event: LiveEvent) =>
  event.type.startsWith('worker.') || event.type.startsWith('build.')
