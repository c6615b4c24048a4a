import { Command } from 'commander'
import type { ApiForceAnswer, ApiForceBody } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { answerForced } from './follow/answer-forced.ts'
import { integer } from './parse-integer.ts'
import { parseProperty, type PropertyValues } from './parse-property.ts'

interface ForceOptions extends ClientOptions {
  readonly branch?: string
  readonly revision?: string
  readonly property?: PropertyValues
  readonly priority?: number
  readonly reason?: string
  readonly follow?: boolean
}

export function forceCommand(): Command {
  return withClientOptions(
    new Command('force')
      .description('queue a build of a builder')
      .argument('<builder>')
      .option('--branch <branch>', 'what to check out')
      .option('--revision <revision>', 'what to check out, exactly')
      .option(
        '-p, --property <name=text>',
        'set a property of the build (repeatable); name:=json for other than text',
        parseProperty,
      )
      .option('--priority <number>', 'higher goes first; 0 is normal', integer(-1_000_000, 1_000_000))
      .option('--reason <text>', 'shown with the build')
      .option('--follow', "wait for the build and print its log as it comes; exit by the build's result")
      .addHelpText('after', forceHelp)
      .action(force),
  )
}

async function force(builder: string, options: ForceOptions): Promise<void> {
  const { branch, revision, property: properties, priority, reason } = options
  // What was not given is undefined, and JSON leaves it out.
  const body = { branch, revision, properties, priority, reason } satisfies {
    [key in keyof ApiForceBody]: unknown
  }
  const client = await openClient(options)
  const path = `/builders/${encodeURIComponent(builder)}/force`
  const answer = await client.post<ApiForceAnswer>(path, body, { repeatable: true })
  await answerForced(client, answer, options)
}

const forceHelp = `
Properties:
  -p tests=unit        the string "unit"
  -p depth:=3          JSON: the number 3; also true, null, '["a","b"]'

Exit codes with --follow:
  0 SUCCESS or WARNINGS   1 FAILURE   2 EXCEPTION   3 CANCELLED   4 SKIPPED   5 ended without a build
  130 you stopped following (the build goes on)

With --json --follow it prints one JSON object per line: type is "request", "build", "step", "log",
"connection" and, at the end, "result".`
