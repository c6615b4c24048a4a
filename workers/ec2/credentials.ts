import { createRequire } from 'node:module'
import type { EC2ClientConfig } from '@aws-sdk/client-ec2'
import type { Secret } from '../../src/model/secret.ts'
import type { ConnectionOptions } from './connection-options.ts'

type Provider = Extract<NonNullable<EC2ClientConfig['credentials']>, (...args: never[]) => unknown>
type Identity = Awaited<ReturnType<Provider>>

/** What the client signs with; undefined: what the SDK finds by itself. Secrets are read, nobody is contacted. */
export async function credentialsOf(
  options: ConnectionOptions,
  readSecret: (secret: string | Secret) => string,
): Promise<Identity | Provider | undefined> {
  const { assumeRole, credentials, profile, region } = options
  const own: Identity | undefined = credentials && {
    accessKeyId: readSecret(credentials.accessKeyId),
    secretAccessKey: readSecret(credentials.secretAccessKey),
    ...(credentials.sessionToken && { sessionToken: readSecret(credentials.sessionToken) }),
  }
  if (!assumeRole) return own
  const { externalId, roleArn, sessionName = 'rouse' } = assumeRole
  const { defaultProvider, getDefaultRoleAssumer } = rolesOfSdk()
  const source = own ? async () => own : defaultProvider(profile === undefined ? {} : { profile })
  const assume = getDefaultRoleAssumer({ region: async () => region })
  // The client asks again when what it got is about to expire.
  return async () =>
    assume(await source(), {
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      ...(externalId !== undefined && { ExternalId: readSecret(externalId) }),
    })
}

interface Roles {
  defaultProvider(init: { profile?: string }): () => Promise<Identity>
  getDefaultRoleAssumer(options: {
    region: () => Promise<string>
  }): (source: Identity, role: Readonly<Record<string, string>>) => Promise<Identity>
}

/** Parts that the SDK's own client is made of, found from there: a package of their own would bring them a second time. */
function rolesOfSdk(): Roles {
  let from = createRequire(import.meta.url)
  const enter = (name: string) => (from = createRequire(from.resolve(name)))
  enter('@aws-sdk/client-ec2')
  const { defaultProvider } = from('@aws-sdk/credential-provider-node') as Pick<Roles, 'defaultProvider'>
  enter('@aws-sdk/credential-provider-node')
  enter('@aws-sdk/credential-provider-ini')
  const { getDefaultRoleAssumer } = from('@aws-sdk/nested-clients/sts') as Pick<
    Roles,
    'getDefaultRoleAssumer'
  >
  return { defaultProvider, getDefaultRoleAssumer }
}
