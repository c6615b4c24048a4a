import type { Reporter } from './reporter.ts'

/** A reporter as its function in the config (`mailNotifier(...)`) describes it. Opens nothing. */
export interface ReporterDescription {
  /** 'mail', 'webhook', ... */
  readonly kind: string
  /** What tells it from the others; default: its kind. */
  readonly name: string
  /** As they were given, secrets as references. An overlay's are laid over them by key. */
  readonly options: object
  /** What is wrong with the options, for `rouse check`: 'relayhost: must be a host name, got 25'. */
  readonly mistakes: (options: object) => readonly string[]
  readonly open: (options: object, name: string) => Reporter
}
