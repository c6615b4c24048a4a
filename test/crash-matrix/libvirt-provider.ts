import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guestOptions } from '../helpers/libvirt/guest-options.ts'
import { uriOf, type LibvirtDaemon } from '../helpers/libvirt/libvirt-daemon.ts'
import type { TestGuest } from '../helpers/libvirt/test-guest.ts'
import type { OnEnd } from '../helpers/master-process.ts'
import { startLibvirtTrap } from './libvirt-trap.ts'
import type { Provider } from './provider.ts'

/** A real libvirtd with real machines, behind a socket that sees each call; the machines are sealed and reset before a build. */
export async function startLibvirtProvider(
  daemon: LibvirtDaemon,
  guest: TestGuest,
  onEnd: OnEnd,
): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-trap-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const socket = join(folder, 'libvirt.sock')
  const trap = await startLibvirtTrap(daemon.socket, socket, onEnd)
  const told = await listen(onEnd)
  const machines = async () => (await daemon.domains()).filter((name) => trap.defined.has(name))
  const files = async () =>
    (await daemon.volumes()).filter((file) => [...trap.defined].some((name) => file.includes(name)))
  onEnd(async () => {
    for (const name of await machines()) {
      await daemon.virsh('destroy', name).catch(() => {})
      await daemon.virsh('undefine', name, '--snapshots-metadata')
    }
  })
  const options = { ...guestOptions(uriOf(socket), guest), buildWaitTimeout: 0, reset: 'snapshot' }
  const provider: Provider = {
    worker: `
const { libvirtWorker } = await import('rouse/workers/libvirt')
const worker = libvirtWorker('dock', { ...${JSON.stringify(options)}, agentUrl: \`ws://10.0.2.2:\${listen.port}\` })`,
    // The machine has no folder in common with the master.
    tell: (word) => `busybox wget -q -O /dev/null http://10.0.2.2:${told.port}/${word}`,
    told: () => told.words.map((word) => `${word}\n`).join(''),
    patience: 240_000,
    witness: () => {},
    machines: async () => Math.max((await machines()).length, (await files()).length),
    made: () => trap.defined.size,
    attachTo: () => {},
    cut: () => trap.cut(),
    async crash() {
      await daemon.kill()
      await daemon.run()
    },
  }
  trap.witness = (operation, when) => provider.witness(operation, when)
  return provider
}

/** Remembers which paths were asked for. */
async function listen(onEnd: OnEnd): Promise<{ port: number; words: readonly string[] }> {
  const words: string[] = []
  const server = createServer(({ url }, reply) => {
    words.push(url!.slice(1))
    reply.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, words }
}
