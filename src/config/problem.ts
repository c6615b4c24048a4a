/** A mistake in the config. `message` is a whole sentence that names the path; nothing else need be printed. */
export interface Problem {
  /** Where in the merged config: 'workers[2].maxBuilds'; '' is the config itself. */
  readonly path: string
  readonly message: string
  readonly severity: 'error' | 'warning'
}
