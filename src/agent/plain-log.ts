import type { Log } from './log.ts'

/** One line an event: for a terminal short and coloured, for a file or journal with the full time. */
export function plainLog(stream: NodeJS.WriteStream): Log {
  const line = stream.isTTY ? shortLine : fullLine
  const write = (level: Level) => (message: string) => {
    // What a master says must not play with the terminal.
    const text = message.replace(/\p{Cc}+/gu, ' ')
    stream.write(`${line(level, text, new Date())}\n`)
  }
  return { debug: () => {}, info: write('info'), warn: write('warn'), error: write('error') }
}

type Level = 'info' | 'warn' | 'error'

function fullLine(level: Level, text: string, time: Date): string {
  return `${time.toISOString()} ${level.padEnd(5)} ${text}`
}

function shortLine(level: Level, text: string, time: Date): string {
  const clock = `\u001b[2m${time.toTimeString().slice(0, 8)}\u001b[22m`
  return `${clock} ${{ info: text, warn: `\u001b[33m${text}\u001b[39m`, error: `\u001b[31m${text}\u001b[39m` }[level]}`
}
