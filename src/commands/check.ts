import { basename } from 'node:path'
import { Command } from 'commander'
import { checkConfig } from '../config/check-config.ts'
import { loadConfig, type LoadedConfig } from '../config/load-config.ts'
import { missingSecrets } from '../config/missing-secrets.ts'
import type { Problem } from '../config/problem.ts'
import { secretsDirOf } from '../config/resolve-config.ts'
import { RouseError } from '../model/errors.ts'
import { terminalOf, type Colours } from './output/terminal.ts'

/** `rouse check`: reads the config, looks at all of it, and starts nothing. Exit code 0 when it is right, else 1. */
export function checkCommand(): Command {
  return new Command('check')
    .description('look for mistakes in master.config.ts; needs no network and no database')
    .option('-c, --config <file>', 'the config file (default: master.config.ts in this folder)')
    .option('--json', 'print the problems as JSON')
    .action(async (_options, command: Command) => {
      const { config, json } = command.optsWithGlobals<{ config?: string; json?: boolean }>()
      const report = await check(config)
      const terminal = terminalOf(process.stdout)
      await terminal.write(json ? toJson(report) : toText(report, terminal.colours))
      process.exitCode = isRight(report) ? 0 : 1
    })
}

interface Report {
  readonly problems: readonly Problem[]
  /** undefined when the config could not be loaded. */
  readonly loaded?: LoadedConfig
  readonly advice?: string
}

async function check(configFile: string | undefined): Promise<Report> {
  try {
    const loaded = await loadConfig({ configFile, cwd: process.cwd(), env: process.env })
    const secretsDir = secretsDirOf(loaded.config, loaded.dir)
    const missing = missingSecrets(loaded.config, { env: process.env, secretsDir })
    return { loaded, problems: [...checkConfig(loaded.config), ...missing] }
  } catch (error) {
    if (!(error instanceof RouseError)) throw error
    const message = `${error.code}: ${error.message}`
    return { problems: [{ path: '', message, severity: 'error' }], advice: error.advice }
  }
}

function isRight({ problems }: Report): boolean {
  return problems.every(({ severity }) => severity === 'warning')
}

function toJson(report: Report): string {
  return `${JSON.stringify({ ok: isRight(report), problems: report.problems })}\n`
}

function toText(report: Report, colours: Colours): string {
  const lines = report.problems.map(({ severity, message }) =>
    severity === 'error'
      ? `${colours.red('error')}    ${message}`
      : `${colours.yellow('warning')}  ${message}`,
  )
  if (report.advice) lines.push(`         ${report.advice}`)
  if (lines.length > 0) lines.push('')
  const verdict = isRight(report) ? colours.green(summary(report)) : colours.red(summary(report))
  return `${[...lines, verdict].join('\n')}\n`
}

/** '2 errors, 1 warning' or 'master.config.ts is right: 3 workers, 2 builders'. */
function summary(report: Report): string {
  const counts = (severity: Problem['severity']) =>
    report.problems.filter((p) => p.severity === severity).length
  const warnings = counts('warning') > 0 ? [plural(counts('warning'), 'warning')] : []
  if (!isRight(report) || !report.loaded) return [plural(counts('error'), 'error'), ...warnings].join(', ')

  const { config, files } = report.loaded
  const { workers, builders } = config as { workers: unknown[]; builders: unknown[] }
  const sizes = [plural(workers.length, 'worker'), plural(builders.length, 'builder'), ...warnings]
  return `${files.map((file) => basename(file)).join(' + ')} is right: ${sizes.join(', ')}`
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
