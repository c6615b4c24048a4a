import type { Reporter } from './reporter.ts'

/** A reporter as its function in the config (`mailNotifier(...)`) describes it. Holds options only; opens nothing. */
export interface ReporterDescription {
  /** 'mail', 'webhook', ... */
  readonly kind: string
  /** What tells it from the others; default: its kind. */
  readonly name: string
  /** As they were given, secrets as references: for `rouse check`, and to see at a reconfig whether they have changed. */
  readonly options: object
  /** Builders that it names, which must exist. */
  readonly builders?: readonly string[]
  /** Workers that it names, which must exist. */
  readonly workers?: readonly string[]
  /** What is wrong with the options, for `rouse check`: 'relayhost: must be a host name, got 25'. */
  readonly mistakes: readonly string[]
  open(): Reporter
}
