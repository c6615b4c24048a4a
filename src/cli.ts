import { Command, CommanderError } from 'commander'
import { arrangeArguments } from './commands/arrange-arguments.ts'
import { commandTable } from './commands/command-table.ts'
import { Interrupted } from './commands/follow/interrupt.ts'
import { endOnBrokenPipe } from './commands/output/end-on-broken-pipe.ts'
import { exitCodeOfError } from './commands/output/exit-code-of-error.ts'
import { printError } from './commands/output/print-error.ts'
import { terminalOf } from './commands/output/terminal.ts'
import { RouseError } from './model/errors.ts'
import { version } from './model/version.ts'
import { closest } from './util/closest.ts'

async function main(argv: string[]): Promise<void> {
  if (argv.includes('--no-color')) process.env.NO_COLOR = '1'
  const arguments_ = argv.filter((arg) => arg !== '--no-color')
  try {
    await run(arguments_)
  } catch (error) {
    process.exitCode = exitCodeOfError(error)
    if (error instanceof Interrupted) return
    await printError(error, terminalOf(process.stderr), { json: arguments_.includes('--json') })
  }
}

async function run(argv: string[]): Promise<void> {
  const { command, rest } = arrangeArguments(argv)
  const program = emptyProgram()
  if (command === undefined) return await runWithoutCommand(program, rest)
  const entry = commandTable.find(({ name }) => name === command)
  if (!entry) throw unknownCommand(command)
  if (!entry.stays) endOnBrokenPipe()
  const loaded = await entry.load()
  inherit(loaded, program)
  program.addCommand(loaded)
  await parse(program, [command, ...rest])
}

async function runWithoutCommand(program: Command, rest: readonly string[]): Promise<void> {
  endOnBrokenPipe()
  for (const { name, summary } of commandTable) program.command(name).description(summary)
  if (rest.some((arg) => /^(-h|--help|-V|--version)$/.test(arg))) return await parse(program, rest)
  throw new RouseError('ROUSE_USAGE', 'which command?', {
    advice: `There are ${commandTable.map(({ name }) => name).join(', ')}; rouse --help says more.`,
  })
}

function emptyProgram(): Command {
  return new Command('rouse')
    .description('A CI master that wakes its workers when there is work.')
    .version(version)
    .option(
      '--url <url>',
      "the master's address; else ROUSE_URL, rouse-data/master.json, http://127.0.0.1:8010",
    )
    .option('--json', 'print JSON: the answer on stdout, an error on stderr as {"code","message","advice"}')
    .option('--no-color', 'print without colours, as with NO_COLOR=1')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', exitCodes)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
}

// Commands are made without their program, so what commander would have passed on is passed on here.
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inherit(child, command)
}

// What commander refuses is a mistake in the call; help and version are thrown too.
async function parse(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw new RouseError('ROUSE_USAGE', error.message.replace(/^error: /, ''))
  }
}

function unknownCommand(name: string): RouseError {
  const names = commandTable.map((entry) => entry.name)
  const near = closest(name, names)
  const advice = near ? `Did you mean "rouse ${near}"?` : `There are ${names.join(', ')}.`
  return new RouseError('ROUSE_USAGE', `there is no command "${name}"`, { advice })
}

const exitCodes = `
Exit codes: 0 done, 1 failed, 64 wrong usage, 69 master not reachable, 77 not allowed, 130 interrupted.
"rouse force --help" lists those of force --follow.`

// Last, because it needs the constants above.
await main(process.argv.slice(2))
