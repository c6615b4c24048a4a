import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

/** The master's own log, on stdout: coloured on a terminal, plain text in a pipe, one JSON object a line with `--json`. */
export function masterLog({ json }: { json: boolean }): Logger {
  const level = process.env.ROUSE_LOG_LEVEL ?? 'info'
  if (json) return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const { isTTY } = process.stdout
  const translateTime = isTTY ? 'SYS:HH:MM:ss' : 'UTC:yyyy-mm-dd"T"HH:MM:ss.l"Z"'
  return pino({ level, base: null }, pretty({ colorize: isTTY, translateTime, sync: true, singleLine: true }))
}
