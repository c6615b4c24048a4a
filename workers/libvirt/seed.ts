import type { InstanceSpec } from '../../src/latent/backend.ts'
import { userData } from '../../src/latent/user-data.ts'
import { agentPort } from './domain-xml.ts'
import type { LibvirtTemplate } from './libvirt-options.ts'
import { seedIso } from './seed-iso.ts'

/** What a machine is told at its first boot: the script that fetches and starts the agent. The same for the same spec. */
export function seedOf(spec: InstanceSpec<LibvirtTemplate>): Buffer {
  const { generation, id, template } = spec
  const script = userData(spec, {
    ...(template.setup !== undefined && { before: template.setup }),
    // A token comes after the snapshot only.
    ...(template.reset === 'snapshot' && { channel: `/dev/virtio-ports/${agentPort}` }),
  })
  if (template.seed === 'fw_cfg') return Buffer.from(script)
  return seedIso({
    // cloud-init runs the script once for each instance-id.
    'meta-data': `instance-id: ${id}-${generation}\nlocal-hostname: ${id}\n`,
    'user-data': script,
  })
}
