import { parseArgs } from 'node:util'
import { messageOf, RouseError } from '../model/errors.ts'
import { version } from '../model/version.ts'
import { supervise } from './process/supervise.ts'
import { superviseWord } from './process/supervisor-entry.ts'
import { runWorker } from './run-worker.ts'

/** The bundled agent, `rouse-agent.mjs`: what `rouse worker` does, on Node.js 20 too. Exit codes: 0 drained, 1 failed or gave up, 64 usage. */
async function main(argv: string[]): Promise<void> {
  if (argv[0] === superviseWord) return await supervise(argv.slice(1))
  const { values } = parse(argv)
  if (values.help) return void process.stdout.write(usage)
  if (values.version) return void process.stdout.write(`${version}\n`)
  await runWorker({
    master: values.master,
    name: values.name,
    instance: values.instance,
    giveUp: values['give-up'],
    giveUpCommand: values['give-up-command'],
    passwordFile: values['password-file'],
    removePasswordFile: values['remove-password-file'],
    channel: values.channel,
    clock: values.clock,
    baseDir: values['base-dir'],
    caFile: values['ca-file'],
    maxSpool: values['max-spool'],
  })
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true })
  } catch (error) {
    throw new RouseError('ROUSE_USAGE', messageOf(error))
  }
}

function fail(error: unknown): void {
  const known = error instanceof RouseError
  process.stderr.write(`error: ${messageOf(error)}\n`)
  process.stderr.write(
    known ? `  ${error.advice}\n  ${error.code}\n` : `${(error as Error | undefined)?.stack ?? ''}\n`,
  )
  process.exitCode = known && error.code === 'ROUSE_USAGE' ? 64 : 1
}

const options = {
  master: { type: 'string', multiple: true },
  name: { type: 'string' },
  'password-file': { type: 'string' },
  'remove-password-file': { type: 'boolean' },
  channel: { type: 'string' },
  clock: { type: 'string' },
  instance: { type: 'boolean' },
  'give-up': { type: 'string' },
  'give-up-command': { type: 'string' },
  'base-dir': { type: 'string' },
  'ca-file': { type: 'string' },
  'max-spool': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

const usage = `Usage: node rouse-agent.mjs --master URL --name N --password-file F [--base-dir D]

Runs builds for a Rouse master on this machine.

  --master URL         the master: wss://ci.example, http://127.0.0.1:8010, unix:/run/rouse/agents.sock, ...
                       (repeat it for several)
  --name N             the worker's name in master.config.ts
  --password-file F    a file that holds only the worker's password
  --instance           this machine is an instance of a latent worker: N is its id, F holds its token
  --remove-password-file  remove F once a master has let it in
  --channel PATH       with --instance, in place of F: where the machine's host hands over the token
  --clock FIFO         who is not root tells the right time there, for somebody to set the clock by
  --base-dir D         where builds run (default: ./rouse-worker-<name>)
  --ca-file F          PEM of the authority that signed the master's certificate
  --max-spool MIB      output that the master has not got yet waits on disk, up to this (default: 1024)
  --give-up T          end after so long without a master, such as 2h, once nothing runs
  --give-up-command C  what to run then (default: poweroff for root with --instance, else nothing)
  --version            print the version
  -h, --help           print this

SIGTERM or Ctrl-C: finish the running builds, then end. Twice: cancel them. Three times: end at once.
`

await main(process.argv.slice(2)).catch(fail)
