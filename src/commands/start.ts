import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import pc from 'picocolors'
import { checkConfig } from '../config/check-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { resolveConfig, type MasterSettings } from '../config/resolve-config.ts'
import { startMaster, type End } from '../master.ts'
import { RouseError } from '../model/errors.ts'
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
  const settings = await readSettings(configFile)
  const log = masterLog({ json })
  const uiDir = fileURLToPath(new URL('../../ui', import.meta.url))
  const sourceUiDir = fileURLToPath(new URL('../../dist/ui', import.meta.url))
  const stopping = onceSignalled()
  const master = await startMaster(settings, {
    log,
    progress: (doing) => log.info(doing),
    uiDir: existsSync(sourceUiDir) ? sourceUiDir : uiDir,
  })
  log.info(`${settings.title} is ready at ${pc.bold(master.url)}`)
  const { failed, reason } = await Promise.race([stopping, master.over])
  log[failed ? 'fatal' : 'info'](`stopping: ${reason}`)
  await master.stop()
  log.info('stopped')
  if (failed) process.exitCode = 1
}

async function readSettings(configFile: string | undefined): Promise<MasterSettings> {
  const loaded = await loadConfig({ configFile, cwd: process.cwd(), env: process.env })
  const problems = checkConfig(loaded.config)
  for (const { message, severity } of problems) process.stderr.write(`${severity}: ${message}\n`)
  const errors = problems.filter((p) => p.severity === 'error').length
  if (errors > 0) {
    throw new RouseError(
      'ROUSE_CONFIG_INVALID',
      `${loaded.files[0]} has ${errors} ${errors === 1 ? 'mistake' : 'mistakes'}`,
    )
  }
  return resolveConfig(loaded, process.env)
}

/** Resolves with the first signal that asks to stop; a second one ends the process at once. */
function onceSignalled(): Promise<End> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130)
        asked = true
        resolve({ reason: signal, failed: false })
      })
    }
  })
}
