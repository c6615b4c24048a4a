import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { BackendError } from '../../../src/latent/backend-error.ts'
import { LibvirtBackend } from '../../../workers/libvirt/libvirt-backend.ts'
import { namespace, volumeNames } from '../../../workers/libvirt/stamps.ts'
import { call } from '../../backends/contract/contract-context.ts'
import { contextOf, daemonForFile, openLibvirtBackend } from '../../helpers/libvirt/daemon-for-file.ts'
import { guestOptions } from '../../helpers/libvirt/guest-options.ts'
import { ObedientGuests } from '../../helpers/libvirt/obedient-guests.ts'
import { testGuest } from '../../helpers/libvirt/test-guest.ts'

const libvirt = daemonForFile()
const plain = {
  image: 'default/empty.qcow2',
  memory: '64m',
  network: 'none',
  acceleration: 'emulation',
  shutdownTimeout: 0,
} as const

const someImage = { name: 'ci', hash: '0123456789abcdef' }

beforeAll(async () => {
  if (!libvirt.missing) await makeDisk('empty.qcow2')
})

test('the domain is stamped, uses the overlay, and does not show the token', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { daemon } = libvirt
  const { backend, spec } = await libvirt.open(plain)
  const wanted = spec({ id: 'seen', token: 'hunter2-token', name: `virt "<1>" & co/1` })
  await backend.start(wanted, call())
  const metadata = await daemon.virsh('metadata', 'seen', '--uri', namespace, '--config')
  for (const shown of [`cluster="${libvirt.cluster}"`, 'worker="virt"', 'id="seen"', 'generation="1"'])
    expect(metadata).toContain(shown)
  expect(metadata).toMatch(/expires="\d{4}-.*Z"/)
  const xml = await daemon.virsh('dumpxml', 'seen')
  const { disk } = volumeNames(libvirt.cluster, 'seen')
  expect(xml).toContain(`<source file='${join(daemon.images, disk)}'`)
  expect(xml).toContain('<title>Rouse: virt &quot;&lt;1&gt;&quot; &amp; co/1</title>')
  const info = await daemon.virsh('vol-dumpxml', disk, '--pool', 'default')
  expect(info).toContain(`<path>${join(daemon.images, 'empty.qcow2')}</path>`)
  expect(xml + metadata + info).not.toContain('hunter2')
})

test('a domain of someone else with the name of an instance is left alone', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { daemon } = libvirt
  await define('taken')
  const { backend, spec } = await libvirt.open(plain)
  await expect(backend.start(spec({ id: 'taken' }), call())).rejects.toThrow('another domain named taken')
  await backend.stop('taken', call())
  expect(await daemon.domains()).toContain('taken')
  await daemon.virsh('undefine', 'taken')
})

test('a system that does not shut down in time is ended', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { backend, spec } = await libvirt.open({ ...plain, shutdownTimeout: '1s' })
  await backend.start(spec({ id: 'deaf' }), call())
  const begun = performance.now()
  await backend.stop('deaf', call())
  expect(performance.now() - begun).toBeGreaterThan(1000)
  expect(await libvirt.daemon.domains()).not.toContain('deaf')
})

test('a domain that is shut off can be the model of instances, and is not changed', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { daemon } = libvirt
  await makeDisk('golden.qcow2')
  await define('golden', join(daemon.images, 'golden.qcow2'))
  const before = await daemon.virsh('dumpxml', 'golden', '--inactive')
  const { backend, spec } = await libvirt.open({ domain: 'golden', shutdownTimeout: 0 })
  await backend.start(spec({ id: 'like-golden-1' }), call())
  await backend.start(spec({ id: 'like-golden-2' }), call())
  const xml = await daemon.virsh('dumpxml', 'like-golden-1')
  expect(xml).toMatch(/<backingStore[^]*golden\.qcow2/)
  expect(xml).toContain("<target dev='hda' bus='ide'/>")
  for (const id of ['like-golden-1', 'like-golden-2']) await backend.stop(id, call())
  await daemon.virsh('start', 'golden')
  await expect(backend.start(spec({ id: 'like-golden-3' }), call())).rejects.toThrow('golden is running')
  await daemon.virsh('destroy', 'golden')
  expect(await daemon.virsh('dumpxml', 'golden', '--inactive')).toBe(before)
  await daemon.virsh('undefine', 'golden')
})

test('a host without memory for the machine has no room, and nobody is blamed', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { backend, spec } = await libvirt.open({ ...plain, memory: '900t' })
  const error: unknown = await backend.start(spec(), call()).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(BackendError)
  expect(error).toMatchObject({ code: 'CAPACITY', message: expect.stringMatching(/memory/) as string })
})

test('a host that cannot be reached is told with advice', async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const backend = await openLibvirtBackend({ uri: 'qemu:///session?socket=/nowhere/sock', ...plain }, 'c')
  await expect(backend.list(call())).rejects.toThrow(/No such file or directory\. Is libvirt running there/)
  await backend.close?.()
})

test('the disk of a system that does not shut down in time is not kept, and the machine is left as it is', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { backend, spec } = await libvirt.open(plain)
  await backend.start(spec({ id: 'deaf' }), call())
  const impatient = new LibvirtBackend(libvirt.daemon.uri, contextOf(libvirt.cluster), { keptShutdown: 1 })
  onTestFinished(() => impatient.close())
  await expect(impatient.images.keep('deaf', someImage, call())).rejects.toMatchObject({
    code: 'ROUSE_IMAGE_NOT_SHUT_DOWN',
    message: 'the system of machine deaf has not shut down within 1 s',
  })
  expect(await backend.list(call())).toMatchObject([{ id: 'deaf', state: 'running' }])
  // Nor that of one that somebody has ended meanwhile.
  await libvirt.daemon.virsh('destroy', 'deaf')
  await expect(backend.images!.keep('deaf', someImage, call())).rejects.toMatchObject({
    code: 'ROUSE_IMAGE_NOT_SHUT_DOWN',
  })
  expect(await backend.images!.list(call())).toEqual([])
})

test('a system that its host asks to shut down does so, and its disk is kept', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const guests = await ObedientGuests.start()
  onTestFinished(() => guests.close())
  const { backend, spec } = await libvirt.open({
    ...guestOptions(libvirt.daemon.uri, guest),
    setup: `mkdir -p /run/lock\n${guests.setup}`,
  })
  await backend.start(spec({ id: 'hears' }), call())
  expect(await guests.run('hears', 'echo kept >/kept; echo done')).toBe('done')
  // It is asked after a quarter of this time.
  const keeper = new LibvirtBackend(libvirt.daemon.uri, contextOf(libvirt.cluster), { keptShutdown: 40 })
  onTestFinished(() => keeper.close())
  const ref = await keeper.images.keep('hears', someImage, call())
  const again = { ...spec({ id: 'of-it' }) }
  await backend.start({ ...again, template: { ...again.template, image: ref } }, call())
  expect(await guests.run('of-it', 'cat /kept')).toBe('kept')
  await backend.stop('of-it', call())
  await backend.images!.remove(ref, call())
})

test("libvirt's own imitation takes a machine", async ({ skip }) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const { backend, spec } = await libvirt.open({
    uri: 'test:///default',
    image: '/base.qcow2',
    pool: 'default-pool',
  })
  const { ref } = await backend.start(spec({ id: 'imitated' }), call())
  expect(await backend.list(call())).toMatchObject([{ id: 'imitated', ref, state: 'running' }])
  await backend.stop('imitated', call())
  expect(await backend.list(call())).toEqual([])
})

test('a machine that boots anew has a new disk and a new token, told by its firmware; the base image is never written', async ({
  onTestFinished,
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const before = await sum(guest.disk)
  const guests = await ObedientGuests.start()
  onTestFinished(() => guests.close())
  const setup = `echo "$token" >/run/token\nmkdir -p /run/lock\n${guests.setup}`
  const { backend, spec } = await libvirt.open({
    ...guestOptions(libvirt.daemon.uri, guest),
    ...{ seed: 'fw_cfg', reset: 'boot', setup },
  })
  await backend.start(spec({ id: 'boots', token: 'first' }), call())
  expect(await guests.run('boots', 'cat /run/token; touch /soiled; sync; ls /soiled')).toBe('first/soiled')
  await backend.reset!(spec({ id: 'boots', token: 'second', generation: 2 }), call())
  expect(await guests.run('boots', 'cat /run/token; [ -e /soiled ] || echo clean')).toBe('secondclean')
  expect(await backend.list(call())).toMatchObject([{ id: 'boots', state: 'running' }])
  expect(await sum(guest.disk)).toBe(before)
})

async function makeDisk(name: string): Promise<void> {
  const path = join(libvirt.daemon.images, name)
  await promisify(execFile)('qemu-img', ['create', '-q', '-f', 'qcow2', path, '64M'])
}

async function define(name: string, disk?: string): Promise<void> {
  const file = join(libvirt.folder, `${name}.xml`)
  const devices =
    disk === undefined
      ? ''
      : `<devices><disk type="file"><driver name="qemu" type="qcow2"/><source file="${disk}"/><target dev="hda" bus="ide"/></disk></devices>`
  await writeFile(
    file,
    `<domain type="qemu"><name>${name}</name><memory>65536</memory><os><type>hvm</type></os>${devices}</domain>`,
  )
  await libvirt.daemon.virsh('define', file)
}

async function sum(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
}
