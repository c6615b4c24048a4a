import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Lanes } from '../../../workers/libvirt/lanes.ts'
import { LibvirtError } from '../../../workers/libvirt/libvirt-error.ts'
import { daemonForFile } from '../../helpers/libvirt/daemon-for-file.ts'
import { uriOf } from '../../helpers/libvirt/libvirt-daemon.ts'
import { silentServer } from '../../helpers/silent-server.ts'
import { waitFor } from '../../helpers/wait-for.ts'

const libvirt = daemonForFile()
const soon = () => ({ signal: AbortSignal.timeout(30_000) })

test('calls that fail at the same time each tell their own reason', async ({ onTestFinished, skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const lanes = new Lanes(libvirt.daemon.uri)
  onTestFinished(() => lanes.close())
  const calls = Array.from({ length: 100 }, (_, i) =>
    i % 2 === 0
      ? lanes.call('startDomain', [`domain-${i}-`], soon())
      : lanes.call('findVolume', [`pool-${i}-`, 'x'], soon()),
  )
  const outcomes = await Promise.allSettled(calls)
  for (const [i, outcome] of outcomes.entries()) {
    const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined
    expect(error).toBeInstanceOf(LibvirtError)
    const [name, code] = i % 2 === 0 ? [`domain-${i}-`, 42] : [`pool-${i}-`, 49]
    expect(error).toMatchObject({ code, message: expect.stringContaining(`'${name}'`) as string })
  }
})

test('a call that hangs holds up neither the others nor the event loop, and ends with its process', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const path = join(libvirt.folder, 'silent.sock')
  const server = await silentServer(path)
  onTestFinished(() => server.close())
  const [silent, good] = [new Lanes(uriOf(path)), new Lanes(libvirt.daemon.uri)]
  onTestFinished(() => good.close())
  const given = new AbortController()
  const hanging = Array.from({ length: 10 }, () =>
    silent.call('listDomains', ['urn:x'], { signal: given.signal }).catch((error: unknown) => error),
  )
  expect(await good.call('hypervisor', [], soon())).toBe('QEMU')
  given.abort(new Error('enough'))
  for (const error of await Promise.all(hanging))
    expect(String(error)).toMatch(/given up before libvirt at .*silent\.sock had answered/)
  await silent.close()
  expect(lanesOf(path)).toEqual([])
})

test('after libvirtd was killed and started again the next call finds it', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { daemon } = libvirt
  const lanes = new Lanes(daemon.uri)
  onTestFinished(() => lanes.close())
  expect(await lanes.call('listDomains', ['urn:x'], soon())).toEqual([])
  await daemon.kill()
  await expect(lanes.call('listDomains', ['urn:x'], soon())).rejects.toThrow('Failed to connect socket')
  await daemon.run()
  expect(await lanes.call('listDomains', ['urn:x'], soon())).toEqual([])
})

test('a process that calls libvirt and is killed is replaced', async ({ onTestFinished, skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const lanes = new Lanes(libvirt.daemon.uri)
  onTestFinished(() => lanes.close())
  await lanes.call('hypervisor', [], soon())
  const [pid] = lanesOf(libvirt.daemon.uri)
  process.kill(pid!, 'SIGKILL')
  await waitFor('its end', () => !lanesOf(libvirt.daemon.uri).includes(pid!))
  await waitFor('another one', async () => (await lanes.call('hypervisor', [], soon())) === 'QEMU')
})

test('calls with the same key come one after the other, also after one was given up', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const lanes = new Lanes(libvirt.daemon.uri)
  onTestFinished(() => lanes.close())
  const xml = (name: string) => `<volume><name>${name}</name><capacity>1000</capacity></volume>`
  const given = new AbortController()
  const o = { signal: given.signal, key: 'one' }
  const created = lanes.call('createVolume', ['default', 'one', xml('one')], o)
  given.abort(new Error('enough'))
  await expect(created).rejects.toThrow('given up')
  // Whether it was made or not, it is not in the middle of being made.
  await lanes.call('deleteVolume', ['default', 'one'], { ...soon(), key: 'one' })
  await lanes.call('createVolume', ['default', 'one', xml('one')], { ...soon(), key: 'one' })
  expect(await libvirt.daemon.volumes()).toEqual(['one'])
  await lanes.call('deleteVolume', ['default', 'one'], soon())
})

/** Processes that call libvirt with this in their URI. */
function lanesOf(uri: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    const file = `/proc/${pid}/cmdline`
    try {
      const line = existsSync(file) ? readFileSync(file, 'utf8') : ''
      return line.includes('libvirt/lane.ts') && line.includes(uri)
    } catch {
      return false
    }
  })
}
