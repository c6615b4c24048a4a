import { readFile, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { checkWorkerOptions, type RawWorkerOptions } from '../../agent/worker-options.ts'
import { RouseError } from '../../model/errors.ts'
import { workerUnit } from '../../model/worker-unit.ts'
import { writePrivateFile } from '../../util/write-private-file.ts'
import { printJson } from '../output/print.ts'
import { terminalOf } from '../output/terminal.ts'
import { attempt, giveTo, installUnit, makeAccount, needRoot } from './install-unit.ts'
import { systemdWords, thisProgram } from './systemd-words.ts'

export interface InstallOptions {
  readonly systemd?: boolean
  readonly systemdDir?: string
  readonly dryRun?: boolean
  readonly user?: string
  readonly json?: boolean
}

export function workerInstallCommand(): Command {
  return new Command('install')
    .description('run the agent of this package as a systemd unit')
    .option('--master <url>', 'the master; repeat it for several', append)
    .option('--name <name>', "the worker's name in master.config.ts")
    .option('--password-file <file>', "a file that holds only the worker's password")
    .option('--base-dir <dir>', 'where builds run (default: /var/lib/rouse-worker/<name>)')
    .option('--ca-file <file>', "PEM of the authority that signed the master's certificate")
    .option('--max-spool <mib>', 'output that the master has not got yet waits on disk, up to this')
    .option('--user <user>', 'whose processes the builds are; made when it is missing', 'rouse-worker')
    .option('--systemd', 'as root: write the unit rouse-agent-<name>, enable and start it')
    .option('--systemd-dir <dir>', 'only write the unit, into this folder')
    .option('--dry-run', 'only print the unit')
    .option('--json', 'print JSON')
    .action(async (_options, command: Command) => {
      await install(command.optsWithGlobals<RawWorkerOptions & InstallOptions>())
    })
}

function append(url: string, urls: string[] | undefined): string[] {
  return [...(urls ?? []), url]
}

async function install({
  dryRun,
  json,
  systemd,
  systemdDir,
  user = '',
  ...raw
}: RawWorkerOptions & InstallOptions) {
  if (!systemd && !dryRun && systemdDir === undefined)
    throw new RouseError('ROUSE_USAGE', 'say --systemd, --systemd-dir D or --dry-run')
  const baseDir = raw.baseDir ?? `/var/lib/rouse-worker/${raw.name}`
  const options = checkWorkerOptions({ ...raw, baseDir })
  const isReal = !dryRun && systemdDir === undefined
  if (isReal) needRoot()
  // Whoever runs the agent reads it, and somebody else may have written it.
  const secret = join(dirname(options.baseDir), `${options.name}.password`)
  const text = unitOf({
    ...options,
    maxSpool: raw.maxSpool,
    user,
    passwordFile: isReal ? secret : options.passwordFile,
  })
  const name = `rouse-agent-${options.name}`
  const { write } = terminalOf(process.stdout)
  if (dryRun) return await (json ? printJson({ name, unit: text, done: [] }) : write(text))
  const done = isReal ? await prepare({ ...options, user, secret }) : []
  done.push(...(await installUnit({ name, text, dir: systemdDir })))
  if (json) await printJson({ name, unit: text, done })
  else await write(`${done.join('\n')}\n`)
}

interface Unit {
  readonly masters: readonly string[]
  readonly name: string
  readonly passwordFile: string
  readonly baseDir: string
  readonly caFile: string | undefined
  readonly maxSpool: string | undefined
  readonly user: string
}

function unitOf({ baseDir, caFile, masters, maxSpool, name, passwordFile, user }: Unit): string {
  const paths = [
    ...thisProgram(),
    resolve(passwordFile),
    baseDir,
    ...(caFile === undefined ? [] : [resolve(caFile)]),
  ]
  const command = systemdWords([
    ...thisProgram(),
    'worker',
    ...masters.flatMap((url) => ['--master', url]),
    ...['--name', name, '--password-file', resolve(passwordFile), '--base-dir', baseDir],
    ...(caFile === undefined ? [] : ['--ca-file', resolve(caFile)]),
    ...(maxSpool === undefined ? [] : ['--max-spool', maxSpool]),
  ])
  const protectHome = paths.some((path) => /^\/(home|root|run\/user)\//.test(path)) ? 'no' : 'yes'
  return workerUnit({ name: systemdWords([name]), command, user: systemdWords([user]), protectHome })
}

async function prepare(o: {
  user: string
  baseDir: string
  passwordFile: string
  secret: string
}): Promise<string[]> {
  const { baseDir, passwordFile, secret, user } = o
  const hidden = thisProgram().find((path) => path.startsWith('/root/'))
  if (hidden !== undefined && user !== 'root')
    throw new RouseError('ROUSE_INSTALL', `${user} cannot read ${hidden}, which is in root's own folder`, {
      advice: 'Install Node.js and the package for all users, or use install.sh of the master.',
    })
  const made = await makeAccount(user, baseDir)
  await attempt(async () => {
    const password = await readFile(passwordFile)
    await mkdir(baseDir, { recursive: true })
    await writePrivateFile(secret, password, { replace: true })
  })
  await giveTo(user, baseDir, secret)
  return [...(made ? [`made the account ${user}`] : []), `builds run as ${user} in ${baseDir}`]
}
