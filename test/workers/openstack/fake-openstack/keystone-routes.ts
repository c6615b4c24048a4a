import { OpenStackRefusal } from './fake-fault.ts'
import type { FakeOpenStack, FakeRequest, Route } from './fake-openstack.ts'

export const keystoneRoutes: readonly Route[] = [
  {
    action: 'login',
    method: 'POST',
    path: /^\/identity\/v3\/auth\/tokens$/,
    open: true,
    act(cloud, request) {
      if (!isKnown(cloud, request))
        throw new OpenStackRefusal(401, 'The request you have made requires authentication.')
      const { tokenLife = 3600 } = cloud.o
      const token = `token-${cloud.uuid()}`
      // Keystone's clock need not be the master's: it is ten years ahead.
      const now = cloud.clock.now() + 315_360_000_000
      cloud.tokens.set(token, cloud.clock.now() + tokenLife * 1000)
      return {
        status: 201,
        headers: { 'x-subject-token': token },
        body: {
          token: {
            issued_at: new Date(now).toISOString(),
            expires_at: new Date(now + tokenLife * 1000).toISOString(),
            project: { id: 'p1', name: 'ci' },
            catalog: catalogOf(cloud, request.origin),
          },
        },
      }
    },
  },
]

function isKnown(cloud: FakeOpenStack, { body }: FakeRequest): boolean {
  const { identity, scope } = body.auth as {
    identity: {
      methods: string[]
      password?: { user: { name?: string; domain?: { id?: string }; password?: string } }
      application_credential?: { id?: string; secret?: string }
    }
    scope?: { project: { name?: string } }
  }
  const { application_credential: credential, password } = identity
  if (credential) return credential.id === 'cred-1' && credential.secret === cloud.password && !scope
  return (
    password?.user.name === 'ci' &&
    password.user.domain?.id === 'default' &&
    password.user.password === cloud.password &&
    scope?.project.name === 'ci'
  )
}

function catalogOf(cloud: FakeOpenStack, origin: string): unknown[] {
  const { unversioned = false, without = [] } = cloud.o
  const services = [
    { type: 'compute', service: 'compute', path: '/compute', version: '/v2.1' },
    { type: 'image', service: 'image', path: '/image', version: '/v2' },
    { type: 'network', service: 'network', path: '/network', version: '/v2.0/' },
    { type: 'volumev3', service: 'volume', path: '/volume', version: '/v3/p1' },
  ]
  return services
    .filter(({ service }) => !(without as readonly string[]).includes(service))
    .map(({ path, type, version }) => ({
      type,
      endpoints: ['internal', 'public'].map((side) => ({
        interface: side,
        region: 'RegionOne',
        region_id: 'RegionOne',
        url:
          side === 'public' ? `${origin}${path}${unversioned ? '' : version}` : 'http://127.0.0.1:1/internal',
      })),
    }))
}
