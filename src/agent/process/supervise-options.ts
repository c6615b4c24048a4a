/** What the connector that starts a supervisor tells it, as JSON in its one argument. */
export interface SuperviseOptions {
  readonly baseDir: string
  readonly maxSpool?: number | undefined
  /** Seconds without connector and commands after which it ends. Default 60. */
  readonly idle?: number | undefined
}

/** How the start went, as one JSON line on file descriptor 3. */
export type StartReport =
  { readonly ok: true } | { readonly ok: false; readonly code?: string; readonly message: string }
