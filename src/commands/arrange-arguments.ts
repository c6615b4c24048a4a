/** The command that is asked for and all other arguments, with what stood before the command moved behind it. */
export interface Arranged {
  /** undefined when there is none. */
  readonly command: string | undefined
  readonly rest: readonly string[]
}

/** Options work before the command as after it: `rouse --json builds` is `rouse builds --json`. */
export function arrangeArguments(argv: readonly string[]): Arranged {
  let i = 0
  while (i < argv.length && argv[i]!.startsWith('-')) i += argv[i] === '--url' ? 2 : 1
  const before = argv.slice(0, i)
  const [command, ...after] = argv.slice(i)
  if (command !== 'help') return { command, rest: [...before, ...after] }
  return { command: after[0], rest: [...before, '--help'] }
}
