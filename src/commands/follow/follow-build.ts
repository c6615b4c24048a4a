import { BuildEvents } from '../client/build-events.ts'
import type { ApiBuild, ApiStep } from '../../web/api.ts'
import { type FollowParts, LogPrinter } from './log-printer.ts'
import { selectSteps } from './select-steps.ts'

export interface FollowBuildOptions {
  /** Only the steps with this name or number. */
  readonly step?: string | undefined
  /** Only the logs with this name. */
  readonly log?: string | undefined
  /** Goes on until the build is final; else it prints what is there by now. */
  readonly follow: boolean
}

/** Prints a build's logs, live if asked to, and returns the build as it was read last. */
export async function followBuild(
  id: number,
  parts: FollowParts,
  { step, log, follow }: FollowBuildOptions,
): Promise<ApiBuild> {
  const { client, patience, signal } = parts
  const events = follow ? new BuildEvents(client, id) : undefined
  try {
    const printer = new LogPrinter(parts, log)
    for (;;) {
      // The build is read before its steps and these before their logs: what a final build's logs hold then is all.
      const build = await patience.through(() => client.get<ApiBuild>(`/builds/${id}`, {}, signal))
      const path = `/builds/${id}/steps`
      const { items } = await patience.through(() => client.list<ApiStep>(path, {}, Infinity, signal))
      const final = build.state === 'finished' || !events
      await printer.print(build, selectSteps(items, step, { build: id, final }), { final })
      if (final) return build
      while ((await events.next(slowPoll, signal)) === 'growth') await printer.printMore()
    }
  } finally {
    await events?.close()
  }
}

/** Milliseconds after which everything is read again although no event came. */
const slowPoll = 3000
