import { runAgent } from './connector/run-agent.ts'
import { giveUpCommand, runGiveUpCommand } from './give-up-command.ts'
import { plainLog } from './plain-log.ts'
import { workerLogin } from './worker-login.ts'
import { checkWorkerOptions, readCa, type RawWorkerOptions } from './worker-options.ts'

/**
 * `rouse worker` as a whole process: runs until it is drained. SIGTERM or SIGINT: the running builds are finished first; the
 * second: they are cancelled; the third: everything is killed and the process ends with 1. When it is killed, the commands go
 * on, and the next one on the base dir takes them up. One that gives up sets the exit code to 1 and runs its command. Throws what runAgent throws,
 * ROUSE_USAGE and ROUSE_WORKER_PASSWORD_FILE.
 */
export async function runWorker(raw: RawWorkerOptions): Promise<void> {
  const log = plainLog(process.stderr)
  const options = checkWorkerOptions(raw)
  const { baseDir, caFile, giveUp, instance, masters, maxSpool, name } = options
  const ca = caFile === undefined ? undefined : readCa(caFile)
  const [drain, cancel, kill] = [new AbortController(), new AbortController(), new AbortController()]
  let signalled = 0
  const onSignal = () => {
    signalled++
    if (signalled === 1) {
      log.info('ending after the running builds; again to cancel them')
      drain.abort()
    } else if (signalled === 2) {
      log.info('cancelling the running builds; again to end at once')
      cancel.abort()
    } else {
      log.warn('killing everything')
      kill.abort()
      process.exit(1)
    }
  }
  for (const signal of signals) process.on(signal, onSignal)
  try {
    log.info(`worker ${name} works in ${baseDir}`)
    const asked = AbortSignal.any([drain.signal, cancel.signal, kill.signal])
    const login = await workerLogin(options, log, asked)
    if (asked.aborted) return
    const end =
      login &&
      (await runAgent({
        masters,
        name,
        ...login,
        instance,
        giveUp,
        baseDir,
        log,
        ca,
        maxSpool,
        drain: drain.signal,
        cancel: cancel.signal,
        kill: kill.signal,
      }))
    log.info('ended')
    if (end === 'ended') return
    process.exitCode = 1
    const isRoot = process.getuid?.() === 0
    await runGiveUpCommand(
      giveUpCommand({ command: options.giveUpCommand, instance, isEphemeral: giveUp !== undefined, isRoot }),
      log,
    )
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const
