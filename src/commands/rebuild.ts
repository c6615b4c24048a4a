import { Command } from 'commander'
import type { ApiForceAnswer } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { answerForced } from './follow/answer-forced.ts'
import { parseBuildId } from './parse-ids.ts'

interface RebuildOptions extends ClientOptions {
  readonly reason?: string
  readonly follow?: boolean
}

export function rebuildCommand(): Command {
  return withClientOptions(
    new Command('rebuild')
      .description('queue a build with the same source and properties')
      .argument('<build>', 'its number')
      .option('--reason <text>', 'shown with the build')
      .option('--follow', 'wait for it and print its log as it comes; exits as force --follow does')
      .action(rebuild),
  )
}

async function rebuild(build: string, { reason, ...options }: RebuildOptions): Promise<void> {
  const id = parseBuildId(build)
  const client = await openClient(options)
  const answer = await client.post<ApiForceAnswer>(`/builds/${id}/rebuild`, { reason })
  await answerForced(client, answer, options)
}
