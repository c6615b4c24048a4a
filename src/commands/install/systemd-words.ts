import { realpathSync } from 'node:fs'
import { RouseError } from '../../model/errors.ts'

/** How this program was started, for a unit: Node.js, its options, and the file that it runs. */
export function thisProgram(): string[] {
  return [process.execPath, ...process.execArgv, realpathSync(process.argv[1]!)]
}

/** Words of a command as a unit has them. Throws ROUSE_USAGE: spaces, quotes, % and $ have a meaning of their own there. */
export function systemdWords(words: readonly string[]): string {
  for (const word of words)
    if (!/^[\w./:@+,=-]+$/.test(word))
      throw new RouseError('ROUSE_USAGE', `${JSON.stringify(word)} cannot stand in a systemd unit`, {
        advice: 'Use letters, digits and . _ / : @ + , = - only.',
      })
  return words.join(' ')
}
