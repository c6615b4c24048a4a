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
  readonly open: (name: string) => Reporter
}

/** The frozen description of a reporter, with what is wrong with its options. */
export function describeReporter<T extends ReporterOptions>(described: Described<T>): ReporterDescription {
  const { checks, kind, open } = described
  const isObject = typeof described.options === 'object' && described.options !== null
  const options: Partial<T> = isObject ? described.options : {}
  const { builders } = options
  const name = typeof options.name === 'string' ? options.name : kind
  const mistakes = optionMistakes<T>(options, checks)
  return Object.freeze<ReporterDescription>({
    kind,
    name,
    options,
    ...(Array.isArray(builders) && { builders: builders.filter((builder) => typeof builder === 'string') }),
    mistakes: mistakes.length > 0 ? mistakes : (described.mistakes?.(described.options) ?? []),
    open: () => open(name),
  })
}
