import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import pc from 'picocolors'
import { checkConfig } from '../config/check-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { resolveConfig, type MasterSettings } from '../config/resolve-config.ts'
import { startMaster } from '../master.ts'
import { messageOf } from '../model/errors.ts'
import { onHangup } from './on-hangup.ts'
import { masterLog } from './output/master-log.ts'

export function startCommand(): Command {
  return new Command('start')
    .description('start the master and stay in the foreground')
    .option('-c, --config <file>', 'the config file (default: master.config.ts in this folder)')
    .option('--json', 'log one JSON object a line')
    .action(async (options: { config?: string; json?: boolean }) => {
      await start(options.config, options.json ?? false)
    })
}

async function start(configFile: string | undefined, json: boolean): Promise<void> {
  const settings = await readSettings(configFile, {
    warn: (message) => void process.stderr.write(`warning: ${message}\n`),
  })
  const log = masterLog({ json })
  // A config is code too: a promise that it has forgotten must not end the master.
  process.on('unhandledRejection', (error) =>
    log.error({ err: error }, 'a promise failed and nobody waits for it'),
  )
  const starting = new AbortController()
  const started = startMaster(settings, {
    log,
    signal: starting.signal,
    progress: (doing) => log.info(doing),
    uiDir: pageFolder(),
    reload: () => readSettings(configFile, { reload: true, warn: (message) => log.warn(message) }),
  }).catch((error: unknown) => {
    if (!starting.signal.aborted) throw error
    log.info(`stopped while starting: ${messageOf(starting.signal.reason)}`)
    return undefined
  })
  // What is wrong with the config is logged there. One that is asked for too early waits.
  const reload = async () => void (await (await started)?.reconfig())
  const stopping = onceSignalled(() => void reload().catch(() => {}))
  void stopping.then((reason) => starting.abort(new Error(reason)))
  const master = await started
  if (!master) return
  log.info(`${settings.title} is ready at ${pc.bold(master.url)}`)
  const asked = Promise.race([stopping, master.windDown])
  const say = await Promise.race([
    asked.then((reason) => () => log.info(`stopping: ${reason}`)),
    master.failed.then((reason) => () => {
      process.exitCode = 1
      log.fatal(`stopping: ${reason}. ${whenFailed}`)
    }),
  ])
  say()
  await master.stop()
  log.info('stopped')
}

const whenFailed =
  'See to the database, then start the master again: what runs on agents goes on meanwhile, and is taken up.'

async function readSettings(
  configFile: string | undefined,
  { reload = false, warn }: { reload?: boolean; warn: (message: string) => void },
): Promise<MasterSettings> {
  const loaded = await loadConfig({ configFile, cwd: process.cwd(), env: process.env, reload })
  for (const { message, severity } of checkConfig(loaded.config)) {
    if (severity === 'warning') warn(message)
  }
  return resolveConfig(loaded, process.env)
}

/** The built page: in `dist/` of a checkout, or beside this file's folder in an installed package. */
function pageFolder(): string {
  const folders = ['../../dist/ui', '../../ui'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return folders.find((folder) => existsSync(folder)) ?? folders[0]!
}

/** Resolves with the first signal that asks to stop; a later one ends the process at once. */
function onceSignalled(reload: () => void): Promise<string> {
  return new Promise((resolve) => {
    onHangup({ reload, gone: () => resolve('the terminal was closed') })
    let first: number | undefined
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        first ??= performance.now()
        resolve(signal)
        // Ctrl-C reaches the whole process group, and npm passes it on once more: that is still one wish.
        if (performance.now() - first > sameWish) process.exit(130)
      })
    }
  })
}

/** Milliseconds. */
const sameWish = 1000
