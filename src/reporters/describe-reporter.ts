import { optionMistakes, type Checks } from './option-checks.ts'
import type { ReporterDescription } from './reporter-description.ts'
import type { ReporterOptions } from './reporter-options.ts'
import type { Reporter } from './reporter.ts'

interface Described<T extends ReporterOptions> {
  readonly kind: string
  readonly options: T
  readonly checks: Checks<T>
  /** What is wrong beyond single options. Is asked only when each of them is right. */
  readonly mistakes?: (options: T) => readonly string[]
  /** Is called with options that are right. */
  readonly open: (options: T, name: string) => Reporter
}

/** The frozen description of a reporter. */
export function describeReporter<T extends ReporterOptions>(described: Described<T>): ReporterDescription {
  const { checks, kind, open, options } = described
  const { name } = (options ?? {}) as ReporterOptions
  return Object.freeze<ReporterDescription>({
    kind,
    name: typeof name === 'string' ? name : kind,
    options: Object.freeze({ ...options }),
    mistakes: (given) => {
      const mistakes = optionMistakes<T>(given, checks)
      return mistakes.length > 0 ? mistakes : (described.mistakes?.(given as T) ?? [])
    },
    open: (given, named) => open(given as T, named),
  })
}
