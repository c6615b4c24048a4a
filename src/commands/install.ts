import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { Command } from 'commander'
import { checkConfig } from '../config/check-config.ts'
import { loadConfig } from '../config/load-config.ts'
import { RouseError } from '../model/errors.ts'
import { installUnit, needRoot } from './install/install-unit.ts'
import { masterUnit, servicesFor } from './install/master-unit.ts'
import { systemdWords, thisProgram } from './install/systemd-words.ts'
import type { InstallOptions } from './install/worker-install.ts'
import { printJson } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'

export function installCommand(): Command {
  return new Command('install')
    .description('run the master of a config as a systemd unit')
    .option('-c, --config <file>', 'the config file (default: master.config.ts in this folder)')
    .option('--name <name>', 'of the unit', 'rouse')
    .option('--user <user>', "who runs the master (default: the config's owner)")
    .option('--systemd', 'as root: write the unit, enable and start it')
    .option('--systemd-dir <dir>', 'only write the unit, into this folder')
    .option('--dry-run', 'only print the unit')
    .option('--json', 'print JSON')
    .action(async (_options, command: Command) => {
      await install(command.optsWithGlobals<InstallOptions & { config?: string; name: string }>())
    })
}

async function install(options: InstallOptions & { config?: string; name: string }): Promise<void> {
  const { dryRun, json, name, systemd, systemdDir } = options
  if (!systemd && !dryRun && systemdDir === undefined)
    throw new RouseError('ROUSE_USAGE', 'say --systemd, --systemd-dir D or --dry-run')
  if (!dryRun && systemdDir === undefined) needRoot()
  const loaded = await loadConfig({ configFile: options.config, cwd: process.cwd(), env: process.env })
  const mistakes = checkConfig(loaded.config).filter(({ severity }) => severity === 'error')
  if (mistakes.length > 0)
    throw new RouseError('ROUSE_INSTALL', `the config has ${mistakes.length} mistakes`, {
      advice: 'Run `rouse check`, which shows all of them.',
    })
  const config = loaded.files[0]!
  const text = masterUnit({
    name: systemdWords([name]),
    dir: systemdWords([loaded.dir]),
    start: systemdWords([...thisProgram(), 'start', '--config', config]),
    reload: systemdWords([...thisProgram(), 'reconfig', '--config', config]),
    user: systemdWords([options.user ?? (await ownerOf(config))]),
    services: servicesFor(loaded.config),
  })
  const { write } = terminalOf(process.stdout)
  if (dryRun) return await (json ? printJson({ name, unit: text, done: [] }) : write(text))
  const done = await installUnit({ name, text, dir: systemdDir })
  if (json) await printJson({ name, unit: text, done })
  else await write(`${done.join('\n')}\n`)
}

async function ownerOf(file: string): Promise<string> {
  const { uid } = await stat(file)
  // A number is a user, too.
  return uid === process.getuid?.() ? userInfo().username : String(uid)
}
