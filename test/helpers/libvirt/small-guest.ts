import type { LibvirtWorkerOptions } from '../../../workers/libvirt/index.ts'
import type { TestGuest } from './test-guest.ts'

/** A machine without disk or network on which nothing but these lines of shell run, with the agent's port as file 3: it boots in seconds. */
export function smallGuest({ commandLine, initrd, kernel }: TestGuest, ...lines: string[]) {
  const script = [...setUp, ...lines, 'while :; do sleep 1000; done'].join('; ')
  if (script.includes('"')) throw new Error('a kernel takes no quotes in quotes')
  return {
    ...{ memory: '96m', network: 'none', acceleration: 'emulation', shutdownTimeout: 0 },
    // What comes after `--` is for the first program.
    boot: { kernel, initrd, commandLine: `${commandLine} rdinit=/bin/busybox -- sh -c "${script}"` },
  } as const satisfies LibvirtWorkerOptions
}

const modules = 'virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console'
const setUp = [
  '/bin/busybox --install -s /bin',
  'mount -t sysfs sys /sys',
  'mount -t devtmpfs dev /dev',
  `for name in ${modules}; do [ ! -e /modules/$name.ko ] || insmod /modules/$name.ko; done`,
  'until [ -e /dev/vport*p1 ]; do sleep 1; done',
  'exec 3<>$(echo /dev/vport*p1)',
]
