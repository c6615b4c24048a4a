import { version } from '../../model/version.ts'
import type { Facts, Hello } from '../../protocol/messages.ts'
import { protocolVersion } from '../../protocol/version.ts'
import { machineFacts } from './facts.ts'
import type { HeldCommand } from './held-command.ts'

/** What a supervisor says first. What a result says beyond its code comes with `done`: a hello must stay one message. */
export function helloOf(
  commands: Iterable<HeldCommand>,
  o: { runId: string; baseDir: string; facts: Facts | undefined },
): Hello {
  return {
    type: 'hello',
    protocol: protocolVersion,
    version,
    runId: o.runId,
    facts: o.facts ?? machineFacts(o.baseDir),
    commands: Array.from(commands, ({ id, logs, result }) => ({
      id,
      logs: logs.map(({ end }, log) => ({ log, bytes: end })),
      result: result && { exitCode: result.exitCode, signal: result.signal, reason: result.reason },
    })),
  }
}
