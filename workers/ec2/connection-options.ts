import { isSecret, type Secret } from '../../src/model/secret.ts'

/** Which account and region, and how fast. Workers that agree in the first five share one backend. */
export interface ConnectionOptions {
  /** 'eu-central-1' */
  readonly region: string
  /** Another address than AWS's own: a private one, or a cloud that speaks the same language. */
  readonly endpoint?: string
  /** Of the AWS config files on the master's machine. */
  readonly profile?: string
  /** Default: the SDK's own chain: environment, config files, the role of the machine. */
  readonly credentials?: Ec2Credentials
  /** A role to be assumed with these credentials. */
  readonly assumeRole?: AssumedRole
  /** Calls that AWS is sent, on average; for a moment twice as many. Default 10. */
  readonly maxCallsPerSecond?: number
  /** Seconds until a list surely shows a new or an ended instance. Default 15. */
  readonly listLag?: number
}

export interface Ec2Credentials {
  readonly accessKeyId: string | Secret
  readonly secretAccessKey: Secret
  readonly sessionToken?: Secret
}

export interface AssumedRole {
  /** 'arn:aws:iam::123456789012:role/rouse' */
  readonly roleArn: string
  readonly externalId?: string | Secret
  /** As AWS's logs show it. Default 'rouse'. */
  readonly sessionName?: string
}

export const connectionOptions = [
  'region',
  'endpoint',
  'profile',
  'credentials',
  'assumeRole',
  'maxCallsPerSecond',
  'listLag',
] as const satisfies readonly (keyof ConnectionOptions)[]

/** The name of a backend in the ledger: the same for options that lead to the same instances in the same way. */
export function connectionKey({
  assumeRole,
  credentials,
  endpoint,
  profile,
  region,
}: ConnectionOptions): string {
  const { accessKeyId } = credentials ?? {}
  const key = isSecret(accessKeyId) ? accessKeyId.name : accessKeyId
  const who = [profile && `profile ${profile}`, key && `key ${key}`, assumeRole?.roleArn].filter(Boolean)
  return ['ec2', region, endpoint, ...who].filter(Boolean).join(' ')
}

/** What is wrong with the options, none of them with a secret's text in it. */
export function connectionMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const { assumeRole, credentials, endpoint, listLag, maxCallsPerSecond, profile, region } = options
  const mistakes: string[] = []
  const say = (wrong: boolean, mistake: string) => void (wrong && mistakes.push(mistake))
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  say(
    typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region),
    region === undefined
      ? "region: missing; write region: 'eu-central-1'"
      : "region: must be a name like 'eu-central-1'",
  )
  const isUrl = typeof endpoint === 'string' && URL.canParse(endpoint) && /^https?:/.test(endpoint)
  say(endpoint !== undefined && !isUrl, "endpoint: must be a URL like 'https://ec2.example.com'")
  say(profile !== undefined && !isText(profile), 'profile: must be the name of a profile')
  say(
    profile !== undefined && credentials !== undefined,
    'credentials: give either profile or credentials, not both',
  )
  if (credentials !== undefined) {
    const { accessKeyId, secretAccessKey, sessionToken } = Object(credentials) as Record<string, unknown>
    const good =
      (isText(accessKeyId) || isSecret(accessKeyId)) &&
      isSecret(secretAccessKey) &&
      (sessionToken === undefined || isSecret(sessionToken))
    say(
      !good,
      "credentials: must be { accessKeyId, secretAccessKey: secret('NAME'), sessionToken?: secret('NAME') }",
    )
  }
  if (assumeRole !== undefined) {
    const { externalId, roleArn, sessionName } = Object(assumeRole) as Record<string, unknown>
    const good =
      typeof roleArn === 'string' &&
      roleArn.startsWith('arn:') &&
      (externalId === undefined || isText(externalId) || isSecret(externalId)) &&
      (sessionName === undefined ||
        (typeof sessionName === 'string' && /^[\w+=,.@-]{2,64}$/.test(sessionName)))
    say(!good, "assumeRole: must be { roleArn: 'arn:...', externalId?, sessionName? }")
  }
  const isPositive = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0
  say(
    maxCallsPerSecond !== undefined && !isPositive(maxCallsPerSecond),
    'maxCallsPerSecond: must be a positive number',
  )
  say(listLag !== undefined && !isPositive(listLag), 'listLag: must be a positive number of seconds')
  return mistakes
}
