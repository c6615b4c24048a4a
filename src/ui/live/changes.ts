import type { LiveEvent } from './event-stream.ts'

/** Which events change what a page shows. Logs that grow change no list. */
export const changesLists = (event: LiveEvent) =>
  !event.type.startsWith('log.') && !event.type.startsWith('step.')

export const changesWorkers = (event: LiveEvent) =>
  changesInstances(event) || event.type.startsWith('worker.')

export const changesInstances = (event: LiveEvent) =>
  event.type === 'instance.changed' || event.type.startsWith('build.')

export const changesNotices = (event: LiveEvent) => event.type === 'notice.changed'

export const changesHealth = (event: LiveEvent) =>
  changesNotices(event) || event.type.startsWith('worker.') || event.type === 'instance.changed'
