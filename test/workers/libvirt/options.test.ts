import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { libvirtWorker, type LibvirtWorkerOptions } from '../../../workers/libvirt/index.ts'

test.for<[string, unknown, RegExp]>([
  ['image', '', /^image: must be an absolute path, or 'pool\/volume', got ""/],
  ['image', 'debian.qcow2', /^image: must be/],
  ['imageFormat', 'vmdk', /^imageFormat: must be 'qcow2' or 'raw'/],
  ['memory', '2 gigs', /^memory: must be bytes/],
  ['cpus', 1.5, /^cpus: must be a positive whole number/],
  ['network', 'bridge:', /^network: must be/],
  ['acceleration', 'turbo', /^acceleration: must be 'auto', 'kvm' or 'emulation'/],
  ['boot', { kernel: 'linux' }, /^boot: must be/],
  ['reset', 'often', /^reset: must be 'snapshot' or 'boot'/],
  ['seed', 'usb', /^seed: must be 'iso' or 'fw_cfg'/],
  ['shutdownTimeout', 'soon', /^shutdownTimeout: must be seconds/],
  ['shutdownTimeout', '5m', /^shutdownTimeout: must be seconds up to 90/],
  ['extraXml', '<a><b></a>', /^extraXml: <\/a> without its beginning/],
  ['xml', '<domains/>', /^xml: must be one <domain> element/],
  ['domain', 'a/b\n', /^domain: must be the name of a domain/],
  ['uri', 'localhost', /^uri: must be like 'qemu:\/\/\/system'/],
])('a wrong %s is told: %j', ([name, value, sentence]) => {
  const options = { image: '/base.qcow2', [name]: value } as LibvirtWorkerOptions
  expect(libvirtWorker('virt', options).mistakes).toEqual([expect.stringMatching(sentence)])
})

test('what a domain of the user says is not said twice', () => {
  const { mistakes } = libvirtWorker('virt', { domain: 'golden', memory: '1g', network: 'lan' })
  expect(mistakes).toEqual([
    'memory: comes from domain, leave it out',
    'network: comes from domain, leave it out',
  ])
  expect(libvirtWorker('virt', { domain: 'golden', xml: '<domain/>' }).mistakes).toEqual([
    'xml: give either domain or xml, not both',
  ])
  expect(libvirtWorker('virt', {}).mistakes).toEqual([expect.stringMatching(/^image: missing/)])
})

test('options may depend on the properties of a build', async () => {
  const { template } = libvirtWorker('virt', { image: (p) => `/srv/${p.get('os', 'debian')}.qcow2`, cpus: 2 })
  if (typeof template !== 'function') throw new Error('it is not computed')
  const properties = { get: (_name: string, other?: unknown) => other } as Parameters<typeof template>[0]
  expect(await template(properties)).toEqual({ image: '/srv/debian.qcow2', cpus: 2 })
})

test('how machines are reset is told to the engine', () => {
  expect(libvirtWorker('virt', { image: '/base.qcow2', reset: 'snapshot' })).toMatchObject({
    reset: 'snapshot',
    template: { reset: 'snapshot' },
  })
})

test('a config with a libvirt worker can be checked where neither library nor host is', async () => {
  const index = fileURLToPath(new URL('../../../workers/libvirt/index.ts', import.meta.url))
  const script = `
    const { libvirtWorker } = await import(${JSON.stringify(index)})
    const { mistakes, backend } = libvirtWorker('virt', { uri: 'qemu+ssh://nowhere/system', image: '/base.qcow2' })
    const backend2 = await backend.open({ cluster: 'c' })
    await backend2.close()
    const { readFileSync } = await import('node:fs')
    console.log(JSON.stringify({ mistakes, loaded: /koffi|libvirt\\.so/.test(readFileSync('/proc/self/maps', 'utf8')) }))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(JSON.parse(stdout)).toEqual({ mistakes: [], loaded: false })
})
