import type { Secret } from '../../model/secret.ts'
import type { ReporterOptions } from '../reporter-options.ts'
import type { AboutStatus } from './about-status.ts'

/** A text, or a function of what is told; `interpolate('%(prop:buildername)s')` gives such a function. */
export type StatusText = string | ((about: AboutStatus) => string | undefined)

/** What all hosts of commit statuses take. */
export interface CommitStatusOptions extends ReporterOptions {
  /** What lets us in. It is looked up when a status is sent. */
  readonly token: Secret
  /** Where people see the repositories, when that is not the host's own service: 'https://git.acme.example/'. */
  readonly baseUrl?: string
  /**
   * 'owner/name' of what is built. Default: from the address in the build's source, when it is one of this host; others are not told.
   * A function that gives undefined leaves it at that.
   */
  readonly repository?: StatusText
  /** What tells this status from others on a commit. Default 'rouse/<builder>'. Two builders must not have the same. */
  readonly context?: StatusText
  /** Said while a request waits. Default 'Waiting to be built'. */
  readonly pendingDescription?: StatusText
  /** Said while a build runs. Default 'Build 17 runs on bot'. */
  readonly startDescription?: StatusText
  /** Said at the end. Default: how it ended, and why. */
  readonly endDescription?: StatusText
}
