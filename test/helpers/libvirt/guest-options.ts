import type { LibvirtWorkerOptions } from '../../../workers/libvirt/index.ts'
import type { TestGuest } from './test-guest.ts'

/** A worker whose machines boot the test's system; the master's machine is 10.0.2.2 there. */
export function guestOptions(uri: string, guest: TestGuest): LibvirtWorkerOptions {
  const { commandLine, disk, initrd, kernel } = guest
  return {
    uri,
    image: disk,
    memory: '384m',
    network: 'user',
    acceleration: 'emulation',
    boot: { kernel, initrd, commandLine },
    shutdownTimeout: 0,
  }
}
