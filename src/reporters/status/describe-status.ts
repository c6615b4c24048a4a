import { describeReporter } from '../describe-reporter.ts'
import {
  anHttpUrl,
  aSecret,
  aTextOrFunction,
  builderNames,
  needed,
  optional,
  reporterName,
  type Check,
  type Checks,
} from '../option-checks.ts'
import type { ReporterDescription } from '../reporter-description.ts'
import type { StatusHost } from './commit-status.ts'
import type { CommitStatusOptions } from './commit-status-options.ts'
import { repositoryName } from './repository-of.ts'
import { StatusReporter } from './status-reporter.ts'

interface DescribedStatus<T extends CommitStatusOptions> {
  readonly kind: string
  readonly options: T
  /** An example of a name for the token. */
  readonly tokenName: string
  /** Of the options that this host has alone. */
  readonly checks: Checks<Omit<T, keyof CommitStatusOptions>>
  /** What baseUrl must be where there is no default. */
  readonly baseUrl?: string
  /** Is called with options that are right. */
  readonly host: (options: T) => StatusHost
}

export function describeStatus<T extends CommitStatusOptions>(
  described: DescribedStatus<T>,
): ReporterDescription {
  const { baseUrl: neededUrl, checks, host, kind, options, tokenName } = described
  const common: Checks<CommitStatusOptions> = {
    name: optional(reporterName),
    builders: optional(builderNames),
    token: aSecret(tokenName),
    baseUrl: neededUrl === undefined ? optional(aBaseUrl) : needed(neededUrl, aBaseUrl),
    repository: optional(aTextOrFunction),
    context: optional(aTextOrFunction),
    pendingDescription: optional(aTextOrFunction),
    startDescription: optional(aTextOrFunction),
    endDescription: optional(aTextOrFunction),
  }
  return describeReporter<T>({
    kind,
    options,
    checks: { ...common, ...checks } as unknown as Checks<T>,
    mistakes: (right) => statusMistakes(right, host(right)),
    open: (right, name) => new StatusReporter({ name, kind, host: host(right), options: right }),
  })
}

function statusMistakes({ builders, context, repository }: CommitStatusOptions, host: StatusHost): string[] {
  const mistakes: string[] = []
  if (typeof repository === 'string' && !repositoryName(repository, host)) {
    const form = host.nested ? "'group/name'" : "'owner/name'"
    mistakes.push(`repository: must be ${form}, not an address, got ${JSON.stringify(repository)}`)
  }
  if (typeof context === 'string' && builders && builders.length > 1) {
    const better = "a function, such as interpolate('ci/%(prop:buildername)s')"
    mistakes.push(
      `context: is one text for ${builders.length} builders, which would overwrite each other's status; make it ${better}`,
    )
  }
  return mistakes
}

const aBaseUrl: Check = (value) => {
  const problem = anHttpUrl(value)
  if (problem) return problem
  const { hash, search } = new URL(value as string)
  return hash || search ? 'must end with the path: without what follows a "?" or "#"' : undefined
}
