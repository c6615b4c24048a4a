import type { BackendContext } from '../../src/latent/backend.ts'
import type { Secret } from '../../src/model/secret.ts'
import { readCloud } from './clouds-file.ts'
import { services, type ConnectionOptions, type Interface, type Service } from './connection-options.ts'

/** Who the master is at which cloud. */
export interface Account {
  /** Ends in '/v3'. */
  readonly authUrl: string
  /** What POST /auth/tokens is sent. */
  readonly request: unknown
  readonly region: string | undefined
  readonly interface: Interface
  readonly endpoints: Readonly<Partial<Record<Service, string>>>
}

/** From the options, clouds.yaml or the environment. Contacts nobody. */
export async function readAccount(
  options: ConnectionOptions,
  { configDir, readSecret }: Pick<BackendContext, 'configDir' | 'readSecret'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Account> {
  const { auth, cloud = auth ? undefined : env.OS_CLOUD, cloudsFile, endpoints, region } = options
  if (auth) {
    const given = (Object.entries(auth) as [string, string | Secret][]).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : readSecret(value),
    ])
    return accountOf(Object.fromEntries(given) as Texts, { ...options, endpoints: { ...endpoints } })
  }
  if (cloud === undefined || cloud === '') {
    if (!env.OS_AUTH_URL)
      throw new Error('no cloud: write cloud or auth, or start the master with OS_CLOUD or OS_AUTH_URL')
    const ofEnv = Object.entries(env).flatMap(([name, value]) =>
      name.startsWith('OS_') && value ? [[camel(name.slice(3).toLowerCase()), value] as const] : [],
    )
    return accountOf(Object.fromEntries(ofEnv), {
      region: region ?? env.OS_REGION_NAME,
      interface: options.interface ?? interfaceOf(env.OS_INTERFACE),
      endpoints: { ...endpoints },
    })
  }
  const found = await readCloud(cloud, { configDir, env, file: cloudsFile })
  if (found.verify === false)
    throw new Error(
      'cloud: verify: false is not possible; start the master with NODE_EXTRA_CA_CERTS=FILE instead',
    )
  const texts = Object.entries({ ...found, ...(found.auth as object | undefined) }).flatMap(
    ([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[camel(name), String(value)] as const] : [],
  )
  const overrides = services.flatMap((service) => {
    const names = service === 'volume' ? ['volume', 'volumev3', 'block_storage'] : [service]
    const url = names
      .map((name) => found[`${name}_endpoint_override`])
      .find((value) => typeof value === 'string')
    return url === undefined ? [] : [[service, url] as const]
  })
  const { interface: side, regionName } = Object.fromEntries(texts) as Texts
  return accountOf(Object.fromEntries(texts), {
    region: region ?? regionName,
    interface: options.interface ?? interfaceOf(side),
    endpoints: { ...(Object.fromEntries(overrides) as Account['endpoints']), ...endpoints },
  })
}

type Texts = Readonly<Record<string, string | undefined>>

function accountOf(
  auth: Texts,
  o: { region?: string | undefined; interface?: Interface | undefined; endpoints: Account['endpoints'] },
): Account {
  const {
    applicationCredentialId: id,
    applicationCredentialName: name,
    applicationCredentialSecret: secret,
  } = auth
  if (!auth.authUrl) throw new Error('auth_url: missing')
  const credential = id !== undefined || name !== undefined
  if (credential ? !secret : !auth.password)
    throw new Error(credential ? 'application_credential_secret: missing' : 'password: missing')
  const user = {
    ...(auth.userId ? { id: auth.userId } : { name: auth.username, domain: domainOf(auth, 'user') }),
  }
  const identity = credential
    ? {
        methods: ['application_credential'],
        application_credential: id ? { id, secret } : { name, secret, user },
      }
    : { methods: ['password'], password: { user: { ...user, password: auth.password } } }
  const projectName = auth.projectName ?? auth.tenantName
  const projectId = auth.projectId ?? auth.tenantId
  if (!credential && !projectId && !projectName) throw new Error('project_name: missing')
  const project = projectId ? { id: projectId } : { name: projectName, domain: domainOf(auth, 'project') }
  return {
    authUrl: `${auth.authUrl.replace(/\/+$/, '').replace(/\/v[23](\.0)?$/, '')}/v3`,
    // An application credential is of one project, and Keystone refuses to be told which.
    request: { auth: { identity, ...(!credential && { scope: { project } }) } },
    region: o.region,
    interface: o.interface ?? 'public',
    endpoints: o.endpoints,
  }
}

function domainOf(auth: Texts, whose: 'user' | 'project') {
  const id = auth[`${whose}DomainId`] ?? auth.domainId
  const name = auth[`${whose}DomainName`] ?? auth.domainName
  return id ? { id } : name ? { name } : { id: auth.defaultDomain ?? 'default' }
}

/** Also 'publicURL', as the clients before wrote it. */
function interfaceOf(text: string | undefined): Interface | undefined {
  const name = text?.replace(/URL$/, '')
  return name === 'internal' || name === 'admin' ? name : undefined
}

function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
