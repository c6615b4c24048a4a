import { messageOf, RouseError } from '../../model/errors.ts'
import { RemoteError } from '../client/remote-error.ts'
import { plainLine } from './neutralise.ts'
import type { Terminal } from './terminal.ts'

/** Prints an error for people, or with `json` as one line {"code","message","advice"}. Meant for stderr. */
export async function printError(
  error: unknown,
  terminal: Terminal,
  { json }: { json: boolean },
): Promise<void> {
  const { code, message, advice } = describe(error)
  if (json) return await terminal.write(`${JSON.stringify({ code, message, advice })}\n`)
  const { colours } = terminal
  const lines = [
    `${colours.red('error:')} ${message.split('\n').map(plainEnd).join('\n')}`,
    ...causes(error).map((cause) => `  because: ${plainLine(cause)}`),
    ...(advice ? [`  ${plainLine(advice)}`] : []),
    colours.dim(`  ${plainLine(code)}`),
    ...(isBug(error) && error instanceof Error && error.stack ? [colours.dim(error.stack)] : []),
  ]
  await terminal.write(`${lines.join('\n')}\n`)
}

function describe(error: unknown): { code: string; message: string; advice: string } {
  if (error instanceof RouseError || error instanceof RemoteError) return error
  return {
    code: 'ROUSE_INTERNAL',
    message: messageOf(error),
    advice: 'This is a bug in Rouse: please report it.',
  }
}

function isBug(error: unknown): boolean {
  return !(error instanceof RouseError || error instanceof RemoteError)
}

// What a message says already is not said twice.
function causes(error: unknown): string[] {
  if (error instanceof RouseError && error.code === 'ROUSE_MASTER_UNREACHABLE') return []
  const found: string[] = []
  let said = messageOf(error)
  let cause = error instanceof Error ? error.cause : undefined
  for (; cause !== undefined && found.length < 5; cause = cause instanceof Error ? cause.cause : undefined) {
    const message = messageOf(cause)
    if (!said.includes(message)) found.push(message)
    said += message
  }
  return found
}

// Keeps a message's indentation, which plainLine would squeeze.
function plainEnd(line: string): string {
  const indent = /^ */.exec(line)![0]
  return indent + plainLine(line.slice(indent.length))
}
