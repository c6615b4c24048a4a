import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stampElement, volumeNames } from '../../../workers/libvirt/stamps.ts'
import { xmlText } from '../../../workers/libvirt/xml.ts'
import { contract } from '../../backends/contract/contract.ts'
import { noAgent, openLibvirtBackend, templateOf } from '../../helpers/libvirt/daemon-for-file.ts'
import { guestOptions } from '../../helpers/libvirt/guest-options.ts'
import { LibvirtDaemon, uriOf } from '../../helpers/libvirt/libvirt-daemon.ts'
import { ObedientGuests } from '../../helpers/libvirt/obedient-guests.ts'
import { testGuest } from '../../helpers/libvirt/test-guest.ts'
import { silentServer } from '../../helpers/silent-server.ts'

contract('libvirt', async () => {
  const daemon = await LibvirtDaemon.start()
  if (typeof daemon === 'string') return daemon
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  const silent = await silentServer(join(folder, 'silent.sock'))
  // No system is on it: the machine runs, and its firmware looks for one.
  await promisify(execFile)('qemu-img', [
    ...['create', '-q', '-f', 'qcow2'],
    ...[join(daemon.images, 'empty.qcow2'), '64M'],
  ])
  const plain = {
    image: 'default/empty.qcow2',
    memory: '64m',
    network: 'none',
    acceleration: 'emulation',
    shutdownTimeout: 0,
  } as const
  const guest = await testGuest()
  const guests = await ObedientGuests.start()
  // Where one can be had, with a system that takes tokens.
  const obedient =
    typeof guest === 'string'
      ? plain
      : { ...guestOptions(daemon.uri, guest), reset: 'snapshot' as const, setup: guests.setup }
  const open = (uri: string, cluster: string) => openLibvirtBackend({ uri, ...plain }, cluster)
  const { image: _, ...imageless } = plain

  return {
    agent: noAgent,
    open: (cluster) => open(daemon.uri, cluster),
    template: templateOf(obedient),
    ...(obedient !== plain && {
      pristine: {
        way: 'snapshot',
        soil: async (id) => void (await guests.run(id, 'touch /soiled; echo done')),
        isSoiled: async (id) => (await guests.run(id, 'ls / | grep soiled || echo clean')) === 'soiled',
        token: async (id) => await guests.run(id, 'cat /run/token'),
      },
    }),
    ...(typeof guest !== 'string' && {
      images: {
        from: 'default/empty.qcow2',
        machine: templateOf({
          ...guestOptions(daemon.uri, guest),
          setup: `mkdir -p /run/lock\n${guests.setup}`,
        }),
        powerOff: async (id: string) => {
          await guests.run(id, 'echo it has booted')
          await daemon.virsh('shutdown', id)
        },
        using: (image: string) => templateOf({ ...plain, image }),
      },
    }),
    crashing: {
      // Its firmware finds no system and starts anew, which ends it.
      template: templateOf({
        ...plain,
        extraXml: `<os><type>hvm</type><boot dev="hd"/><bios rebootTimeout="10"/></os><on_reboot>destroy</on_reboot>`,
      }),
      output: 'the machine has shut itself down',
    },
    rejected: [
      { template: templateOf(imageless), reason: /^image: missing/ },
      {
        template: templateOf({ ...plain, image: 'default/none.qcow2' }),
        reason: /pool default has no volume/,
      },
      { template: templateOf({ ...plain, image: '/nowhere/none.qcow2' }), reason: /^image: .*none\.qcow2/ },
      { template: templateOf({ ...plain, pool: 'no-such-pool' }), reason: /^pool: .*no-such-pool/ },
      {
        template: templateOf({ ...plain, network: 'no-such-network' }),
        reason: /^network: .*no-such-network/,
      },
      { template: templateOf({ ...plain, machine: 'abacus' }), reason: /^machine: / },
      { template: templateOf({ ...plain, cpus: 5000 }), reason: /^cpus: / },
      { template: templateOf({ ...plain, boot: { kernel: '/nowhere/linux' } }), reason: /^boot: / },
      { template: templateOf({ domain: 'no-such-domain' }), reason: /^domain: .*no-such-domain/ },
      { template: templateOf({ ...plain, extraXml: '<devices><disk></devices>' }), reason: /^extraXml: / },
      {
        template: templateOf({ ...plain, extraXml: '<devices><disk type="abacus"/></devices>' }),
        reason: /disk|abacus/,
      },
    ],
    async halfMade(spec, cluster) {
      const { id, name, worker } = spec
      const stamp = stampElement({
        ...{ cluster, worker, id, name, generation: 1, expires: '', started: false },
        ...{ reset: undefined, shutdownTimeout: 0 },
      })
      const file = join(folder, 'half-made.xml')
      await writeFile(
        file,
        `<domain type="qemu"><name>${id}</name><metadata>${xmlText(stamp)}</metadata>
          <memory>65536</memory><os><type>hvm</type></os></domain>`,
      )
      await daemon.virsh('define', file)
    },
    async leftover(id, cluster) {
      const { disk } = volumeNames(cluster, id)
      await daemon.virsh('vol-create-as', 'default', disk, '1M', '--format', 'qcow2')
      return async () => (await daemon.volumes()).includes(disk)
    },
    unreachable: (cluster) => open(uriOf(join(folder, 'nothing.sock')), cluster),
    silent: (cluster) => open(uriOf(join(folder, 'silent.sock')), cluster),
    bearers: async (id) => {
      const [domains, volumes] = [await daemon.domains(), await daemon.volumes()]
      const disks = volumes.filter((name) => name.includes(`${id}.`) && name.endsWith('.qcow2'))
      return Math.max(domains.filter((name) => name === id).length, disks.length)
    },
    async close() {
      await silent.close()
      await guests.close()
      await daemon.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
})
