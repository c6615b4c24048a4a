import { readdir, readFile } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { formsOf } from './find-leaks.ts'

export interface WatchedProcesses {
  /** Ends the watch; says which processes showed a value as an argument, or had one in an environment that is no command's. */
  end(): Promise<{ leaks: string[]; seen: ReadonlySet<string> }>
}

/** Looks at all processes of the machine, again and again. `own` marks environments that may hold the values. */
export function watchProcesses(values: readonly string[], own: string): WatchedProcesses {
  const forms = values.flatMap(formsOf)
  const holds = (text: string) => forms.some((form) => text.includes(form))
  const leaks = new Set<string>()
  /** Names of the programs that were seen. */
  const seen = new Set<string>()
  let over = false
  const watching = (async () => {
    while (!over) {
      for (const pid of await readdir('/proc')) {
        if (!/^\d+$/.test(pid)) continue
        const [commandLine, environment] = await Promise.all(
          ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
        )
        seen.add(commandLine!.split('\0').slice(0, 2).join(' '))
        if (holds(commandLine!)) leaks.add(`arguments of ${commandLine!.slice(0, 80)}`)
        if (holds(environment!) && !environment!.includes(own))
          leaks.add(`environment of ${commandLine!.slice(0, 80)}`)
      }
      await turn()
    }
  })()
  return {
    end: async () => {
      over = true
      await watching
      return { leaks: [...leaks], seen }
    },
  }
}
