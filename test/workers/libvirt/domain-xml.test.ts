import { expect, test } from 'vitest'
import { domainXml, firstDisk } from '../../../workers/libvirt/domain-xml.ts'
import type { LibvirtTemplate } from '../../../workers/libvirt/libvirt-options.ts'
import { element, elementAt, elementsOf, parseXml, xmlText } from '../../../workers/libvirt/xml.ts'

const parts = {
  name: 'rouse-1',
  uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
  title: 'Rouse: virt/1',
  stamp: element('rouse:instance', { 'xmlns:rouse': 'urn:rouse:instance:1', id: 'rouse-1' }),
  disk: '/pool/rouse-1.qcow2',
  seed: '/pool/rouse-1.seed',
}

test('the options make a domain with its own disk, its seed and a network', () => {
  const xml = made({ image: '/base.qcow2', memory: '1g', cpus: 2, machine: 'q35', network: 'bridge:br0' })
  expect(xml).toContain('<memory unit="b">1073741824</memory><vcpu>2</vcpu>')
  expect(xml).toContain('<type machine="q35">hvm</type>')
  expect(xml).toMatch(
    /<disk [^>]*><driver name="qemu" type="qcow2"\/><source file="\/pool\/rouse-1.qcow2"\/>/,
  )
  expect(xml).toMatch(/<source file="\/pool\/rouse-1.seed"\/><target dev="vdb" bus="virtio"\/><readonly\/>/)
  expect(xml).toContain('<interface type="bridge"><source bridge="br0"/>')
  expect(xml).not.toContain('<channel')
})

test('a domain of the user keeps what it has, but for its identity and its first disk', () => {
  const model = parseXml(`
    <domain type="kvm" id="7">
      <name>golden</name><uuid>11111111-1111-1111-1111-111111111111</uuid>
      <metadata><other:thing xmlns:other="urn:other"/></metadata>
      <memory>4194304</memory>
      <os firmware="efi"><type arch="x86_64" machine="q35">hvm</type><nvram template="/t.fd">/golden.fd</nvram></os>
      <on_crash>restart</on_crash>
      <devices>
        <disk type="file" device="cdrom"><target dev="sda" bus="sata"/><readonly/></disk>
        <disk type="file" device="disk">
          <driver name="qemu" type="raw" cache="unsafe"/><source file="/golden.img"/><target dev="vda" bus="virtio"/>
        </disk>
        <interface type="network"><mac address="52:54:00:00:00:01"/><source network="lan"/><target dev="vnet3"/></interface>
        <hostdev mode="subsystem"/>
      </devices>
    </domain>`)[0]!
  expect(firstDisk(model)).toEqual({ path: '/golden.img', format: 'raw' })
  const xml = xmlText(
    domainXml({ template: { domain: 'golden', reset: 'snapshot' }, model, type: 'qemu' }, parts),
  )
  for (const gone of ['golden', '52:54', 'vnet3', '11111111', 'restart', 'id="7"'])
    expect(xml).not.toContain(gone)
  for (const kept of [
    '<other:thing',
    '<memory>4194304</memory>',
    'firmware="efi"',
    '<nvram template="/t.fd"/>',
  ])
    expect(xml).toContain(kept)
  expect(xml).toContain(
    '<driver name="qemu" type="qcow2" cache="unsafe"/><source file="/pool/rouse-1.qcow2"/>',
  )
  expect(xml).toMatch(/<target dev="vda" bus="virtio"\/>.*rouse-1.seed"\/><target dev="vdb"/)
  expect(xml).toContain('<interface type="network"><source network="lan"/></interface><hostdev')
  expect(xml).toContain('<channel type="unix"><target type="virtio" name="ci.rouse.agent"/></channel>')
})

test('extra XML replaces what a domain has once, and adds to its devices', () => {
  const root = domainXml(
    {
      template: {
        image: '/base.qcow2',
        extraXml: '<cpu mode="host-model"/><devices><watchdog model="i6300esb"/></devices>',
      },
      model: undefined,
      type: 'qemu',
    },
    parts,
  )
  expect(elementsOf(root, 'cpu')).toEqual([element('cpu', { mode: 'host-model' })])
  expect(elementsOf(root, 'devices')).toHaveLength(1)
  expect(elementAt(root, 'devices', 'watchdog')).toBeDefined()
  expect(elementAt(root, 'devices', 'interface')).toBeDefined()
})

test('a second disk that instances would write to together is refused', () => {
  const disk = (target: string, more = '') =>
    `<disk type="file"><source file="/${target}"/><target dev="${target}"/>${more}</disk>`
  const xml = (more: string) => `<domain><devices>${disk('vda')}${disk('vdb', more)}</devices></domain>`
  const of = (text: string) => domainXml({ template: {}, model: parseXml(text)[0]!, type: 'qemu' }, parts)
  expect(() => of(xml(''))).toThrow(/second disk \(vdb\)/)
  expect(xmlText(of(xml('<readonly/>')))).toContain('<target dev="vdc" bus="virtio"/><readonly/>')
})

test('a seed by the firmware takes no disk', () => {
  const xml = made({ image: '/base.qcow2', seed: 'fw_cfg' })
  expect(xml).toContain(
    '<sysinfo type="fwcfg"><entry name="opt/ci.rouse/user-data" file="/pool/rouse-1.seed"/></sysinfo>',
  )
  expect(xml).not.toContain('vdb')
})

function made(template: LibvirtTemplate): string {
  return xmlText(domainXml({ template, model: undefined, type: 'qemu' }, parts))
}
