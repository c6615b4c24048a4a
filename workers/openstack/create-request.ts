import type { InstanceSpec } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { userData } from '../../src/latent/user-data.ts'
import { withNetworkWords, withVolumeType } from './microversion.ts'
import type { Names } from './names.ts'
import type { OpenStackApi } from './openstack-api.ts'
import type { OpenStackTemplate } from './openstack-options.ts'

/** What POST /servers is sent: all the stamps are in it, so that nothing can exist without them. */
export async function createRequest(
  { metadata, spec }: { spec: InstanceSpec<OpenStackTemplate>; metadata: Readonly<Record<string, string>> },
  { api, names, signal }: { api: OpenStackApi; names: Names; signal: AbortSignal },
): Promise<{ readonly server: unknown }> {
  const { availabilityZone, configDrive = true, flavor, floatingIp, image, keyName } = spec.template
  const { networks = 'auto', securityGroups, serverGroup, volume } = spec.template
  const user_data = encodedUserData(spec)
  const minor = await api.microversion(signal)
  if (floatingIp && !(await api.has('network', signal)))
    throw rejected('floatingIp: this cloud has no network service')
  const word = typeof networks === 'string' ? networkWord(networks, minor) : undefined
  const [imageRef, flavorRef, group, nets] = await Promise.all([
    names.idOf('image', image, signal),
    names.idOf('flavor', flavor, signal),
    serverGroup === undefined ? undefined : names.idOf('server group', serverGroup, signal),
    typeof networks === 'string'
      ? word
      : Promise.all(networks.map(async (name) => ({ uuid: await names.idOf('network', name, signal) }))),
  ])
  const server = {
    name: spec.id,
    flavorRef,
    metadata,
    user_data,
    config_drive: configDrive,
    ...(volume ? { block_device_mapping_v2: [bootVolume(volume, imageRef, minor)] } : { imageRef }),
    ...(nets !== undefined && { networks: nets }),
    ...(securityGroups &&
      networks !== 'none' && { security_groups: securityGroups.map((name) => ({ name })) }),
    ...(keyName !== undefined && { key_name: keyName }),
    ...(availabilityZone !== undefined && { availability_zone: availabilityZone }),
  }
  return { server, ...(group !== undefined && { 'os:scheduler_hints': { group } }) }
}

function bootVolume(
  { size, type }: NonNullable<OpenStackTemplate['volume']>,
  uuid: string,
  minor: number,
): Record<string, unknown> {
  if (type !== undefined && minor < withVolumeType)
    throw rejected(
      `volume.type: this cloud's Nova (2.${minor}) takes none; leave it out, or set the project's default type`,
    )
  return {
    boot_index: 0,
    uuid,
    source_type: 'image',
    destination_type: 'volume',
    volume_size: size,
    delete_on_termination: true,
    ...(type !== undefined && { volume_type: type }),
  }
}

/** Before 2.37 naming no network meant 'auto'. */
function networkWord(networks: 'auto' | 'none', minor: number): string | undefined {
  if (minor >= withNetworkWords) return networks
  if (networks === 'none') throw rejected(`networks: this cloud's Nova (2.${minor}) does not know 'none'`)
  return undefined
}

function encodedUserData({ agent, id, template, token }: InstanceSpec<OpenStackTemplate>): string {
  if (agent.masters.every((url) => url.startsWith('unix:')))
    throw rejected(
      "agentUrl: a server of OpenStack cannot reach the master by its socket; write agentUrl: 'wss://...'",
    )
  const script = userData({ agent, id, token }, { root: template.provisions === true })
  const encoded = Buffer.from(script).toString('base64')
  if (encoded.length > mostUserData)
    throw rejected(
      `its user data has ${encoded.length} bytes in base64, and OpenStack takes ${mostUserData} at most: write fewer addresses into agentUrl`,
    )
  return encoded
}

function rejected(why: string): BackendError {
  return new BackendError('REJECTED', why)
}

const mostUserData = 65_535
