/** What every reporter takes. */
export interface ReporterOptions {
  /** Tells it from the others in lists and logs. Needed when there are two of a kind; default: its kind. */
  readonly name?: string
  /** Only builds of these builders. Default: all. */
  readonly builders?: readonly string[]
}
