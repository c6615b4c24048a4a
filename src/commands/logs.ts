import { Command } from 'commander'
import { systemClock } from '../util/clock.ts'
import type { ApiBuild } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { followBuild } from './follow/follow-build.ts'
import { Interrupted, untilInterrupted } from './follow/interrupt.ts'
import { openView } from './follow/open-view.ts'
import { Patience } from './follow/patience.ts'
import { parseBuildId } from './parse-ids.ts'

interface LogsOptions extends ClientOptions {
  readonly step?: string
  readonly log?: string
  readonly follow?: boolean
}

export function logsCommand(): Command {
  return withClientOptions(
    new Command('logs')
      .description("print a build's logs")
      .argument('<build>', 'its number')
      .option(
        '--step <step>',
        'only this step, by number or name; with this or --log nothing but the bytes of logs is printed',
      )
      .option('--log <name>', 'only the logs of this name: a name in logFiles of a step, or stdio')
      .option('--follow', 'go on until the build is final')
      .addHelpText('after', logsHelp)
      .action(logs),
  )
}

async function logs(build: string, options: LogsOptions): Promise<void> {
  const { step, log, follow = false, json = false } = options
  const id = parseBuildId(build)
  const client = await openClient(options)
  // Asked without patience: a master that is not there at the start is an error.
  await client.get<ApiBuild>(`/builds/${id}`)
  const view = openView({ json, headers: step === undefined && log === undefined, announce: false })
  try {
    await untilInterrupted(async (signal) => {
      const limit = follow ? Infinity : patienceWithoutFollow
      const patience = new Patience({ signal, clock: systemClock, limit, view })
      await followBuild(id, { client, patience, view, signal }, { step, log, follow })
    })
  } catch (error) {
    if (error instanceof Interrupted) await view.interrupted()
    throw error
  }
}

/** Milliseconds of outage that reading a log waits out. */
const patienceWithoutFollow = 30_000

const logsHelp = `
Each step's log comes after a line "── NUMBER NAME". In a pipe the bytes of the logs are passed on as they are; on a
terminal colours are kept and every other control sequence is shown, not obeyed.
With --json it prints one JSON object per line; type is "step", "log" or "connection".`
