import { isSecret, type Secret } from '../../src/model/secret.ts'

/** Which cloud and project, and how fast. Without `cloud` and `auth` the environment decides: OS_CLOUD, or OS_AUTH_URL and so on. */
export interface ConnectionOptions {
  /** A cloud of clouds.yaml. */
  readonly cloud?: string
  /** Default: OS_CLIENT_CONFIG_FILE, or clouds.yaml beside the config, in ~/.config/openstack or in /etc/openstack. */
  readonly cloudsFile?: string
  /** Instead of clouds.yaml. */
  readonly auth?: OpenStackAuth
  /** Needed where the catalogue has several. */
  readonly region?: string
  /** Which addresses of the catalogue. Default 'public'. */
  readonly interface?: Interface
  /** Addresses that are used instead of those in the catalogue. */
  readonly endpoints?: Readonly<Partial<Record<Service, string>>>
  /** Calls that the cloud is sent, on average; for a moment twice as many. Default 20. */
  readonly maxCallsPerSecond?: number
  /** Seconds until a list surely shows a new or an ended instance. Default 10. */
  readonly listLag?: number
}

/** A user with a password and a project, or an application credential, which has its project itself. */
export interface OpenStackAuth {
  /** 'https://cloud.example.com:5000/v3' */
  readonly authUrl: string
  readonly username?: string
  readonly userId?: string
  readonly password?: Secret
  readonly userDomainName?: string
  readonly userDomainId?: string
  readonly projectName?: string
  readonly projectId?: string
  readonly projectDomainName?: string
  readonly projectDomainId?: string
  readonly applicationCredentialId?: string
  /** Instead of its id; then with the user it belongs to. */
  readonly applicationCredentialName?: string
  readonly applicationCredentialSecret?: Secret
}

export type Interface = 'public' | 'internal' | 'admin'
export type Service = 'compute' | 'image' | 'network' | 'volume'

export const services: readonly Service[] = ['compute', 'image', 'network', 'volume']

export const connectionOptions = [
  'cloud',
  'cloudsFile',
  'auth',
  'region',
  'interface',
  'endpoints',
  'maxCallsPerSecond',
  'listLag',
] as const satisfies readonly (keyof ConnectionOptions)[]

/** The name of a backend in the ledger: the same for options that lead to the same instances in the same way. */
export function connectionKey({ auth, cloud, cloudsFile, endpoints, region }: ConnectionOptions): string {
  const project =
    auth?.projectId ?? auth?.projectName ?? auth?.applicationCredentialId ?? auth?.applicationCredentialName
  const whose = auth
    ? [auth.authUrl, project]
    : cloud === undefined
      ? ['of the environment']
      : ['cloud', cloud, cloudsFile && `of ${cloudsFile}`]
  return ['openstack', ...whose, region, endpoints?.compute].filter(Boolean).join(' ')
}

/** What is wrong with the options, none of them with a secret's text in it. */
export function connectionMistakes(options: Readonly<Record<string, unknown>>): string[] {
  const { auth, cloud, cloudsFile, endpoints, listLag, maxCallsPerSecond, region } = options
  const mistakes: string[] = []
  const say = (wrong: boolean, mistake: string) => void (wrong && mistakes.push(mistake))
  const isName = (value: unknown) => value === undefined || isText(value)
  const isPositive = (value: unknown) =>
    value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0)
  say(!isName(cloud), 'cloud: must be the name of a cloud in clouds.yaml')
  say(!isName(cloudsFile), 'cloudsFile: must be a path')
  say(cloud !== undefined && auth !== undefined, 'auth: give either cloud or auth, not both')
  if (auth !== undefined) mistakes.push(...authMistakes(Object(auth) as Record<string, unknown>))
  say(!isName(region), 'region: must be the name of a region')
  say(
    !['public', 'internal', 'admin', undefined].includes(options.interface as Interface),
    "interface: must be 'public', 'internal' or 'admin'",
  )
  const overrides = Object.entries(Object(endpoints ?? {}) as object)
  say(
    !overrides.every(([service, url]) => services.includes(service as Service) && isUrl(url)),
    "endpoints: must be URLs like { compute: 'https://nova.example.com/v2.1' }, of compute, image, network or volume",
  )
  say(!isPositive(maxCallsPerSecond), 'maxCallsPerSecond: must be a positive number')
  say(!isPositive(listLag), 'listLag: must be a positive number of seconds')
  return mistakes
}

function authMistakes(auth: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  const {
    applicationCredentialId,
    applicationCredentialName,
    applicationCredentialSecret,
    authUrl,
    password,
  } = auth
  if (!isUrl(authUrl)) mistakes.push("auth.authUrl: must be a URL like 'https://cloud.example.com:5000/v3'")
  for (const [name, value] of Object.entries(auth)) {
    const hidden = name === 'password' || name === 'applicationCredentialSecret'
    if (!authNames.includes(name)) mistakes.push(`auth.${name}: unknown`)
    else if (hidden && value !== undefined && !isSecret(value))
      mistakes.push(`auth.${name}: must be secret('NAME')`)
    else if (!hidden && value !== undefined && !isText(value)) mistakes.push(`auth.${name}: must be a text`)
  }
  const credential = applicationCredentialId !== undefined || applicationCredentialName !== undefined
  if (credential && applicationCredentialSecret === undefined)
    mistakes.push("auth.applicationCredentialSecret: missing; write secret('NAME')")
  if (!credential && password === undefined) mistakes.push("auth.password: missing; write secret('NAME')")
  const user = auth.userId ?? auth.username
  if (user === undefined && applicationCredentialId === undefined) mistakes.push('auth.username: missing')
  if (!credential && auth.projectId === undefined && auth.projectName === undefined)
    mistakes.push('auth.projectName: missing')
  return mistakes
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && /^https?:/.test(value)
}

/** Of `auth`; clouds.yaml and the environment write them auth_url and OS_AUTH_URL. */
export const authNames: readonly string[] = [
  'authUrl',
  'username',
  'userId',
  'password',
  'userDomainName',
  'userDomainId',
  'projectName',
  'projectId',
  'projectDomainName',
  'projectDomainId',
  'applicationCredentialId',
  'applicationCredentialName',
  'applicationCredentialSecret',
] as const satisfies readonly (keyof OpenStackAuth)[]
