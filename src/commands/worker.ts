import { Command } from 'commander'
import { runWorker } from '../agent/run-worker.ts'
import type { RawWorkerOptions } from '../agent/worker-options.ts'
import { workerInstallCommand } from './install/worker-install.ts'

export function workerCommand(): Command {
  return new Command('worker')
    .description('run an agent on this machine: it does builds for a master')
    .enablePositionalOptions()
    .addCommand(workerInstallCommand())
    .option('--master <url>', 'the master; repeat it for several', append)
    .option('--name <name>', "the worker's name in master.config.ts")
    .option('--password-file <file>', "a file that holds only the worker's password")
    .option(
      '--instance',
      'this machine is an instance of a latent worker: --name is its id, the file holds its token',
    )
    .option('--remove-password-file', 'remove the file once a master has let it in')
    .option(
      '--channel <path>',
      "with --instance, in place of --password-file: where the machine's host hands over the token",
    )
    .option('--clock <fifo>', 'who is not root tells the right time there, for somebody to set the clock by')
    .option('--base-dir <dir>', 'where builds run (default: ./rouse-worker-<name>)')
    .option('--ca-file <file>', "PEM of the authority that signed the master's certificate")
    .option(
      '--max-spool <mib>',
      'output that the master has not got yet waits on disk, up to this (default: 1024)',
    )
    .option('--give-up <time>', 'end after so long without a master, such as 2h, once nothing runs')
    .option(
      '--give-up-command <command>',
      'what to run then (default: poweroff for root with --instance, else nothing)',
    )
    .addHelpText('after', signalsHelp)
    .action(async (options: RawWorkerOptions) => {
      await runWorker(options)
    })
}

function append(url: string, urls: string[] | undefined): string[] {
  return [...(urls ?? []), url]
}

const signalsHelp = `
SIGTERM or Ctrl-C: finish the running builds, then end. Twice: cancel them. Three times: end at once.`
