import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from '../docker/docker-engine.ts'
import { madeOnce } from '../made-once.ts'

/** A small system that boots in seconds without KVM, with git, Node.js and what a start script needs; it reads NoCloud seeds. */
export interface TestGuest {
  /** A qcow2 image. */
  readonly disk: string
  readonly kernel: string
  readonly initrd: string
  readonly commandLine: string
}

/** Makes it from Debian packages and files of this machine; a text says why that is not possible. */
export async function testGuest(): Promise<TestGuest | string> {
  if (process.arch !== 'x64') return 'needs a processor of the kind x64'
  if (process.getuid?.() !== 0) return 'needs root, to make a system for virtual machines'
  for (const program of ['mmdebstrap', 'mke2fs', 'qemu-img'])
    if (!programOf(program)) return `needs ${program} (Debian: mmdebstrap, e2fsprogs, qemu-utils)`
  const folder = await madeOnce(`guest-${version}`, makeGuest, { timeout: 300_000 })
  return {
    disk: join(folder, 'disk.qcow2'),
    kernel: join(folder, 'linux'),
    initrd: join(folder, 'initrd'),
    commandLine: 'console=ttyS0 quiet panic=-1 random.trust_cpu=on',
  }
}

async function makeGuest(folder: string): Promise<void> {
  const making = await mkdtemp(join(tmpdir(), 'rouse-test-guest-'))
  try {
    const root = join(making, 'root')
    await mkdir(root)
    await run('mmdebstrap', [
      '--variant=extract',
      `--include=${packages.join(',')}`,
      // Unpacked and not configured: a third of the time.
      '--extract-hook=cd "$1" && cp usr/share/base-passwd/passwd.master etc/passwd && cp usr/share/base-passwd/group.master etc/group' +
        ' && echo "rouse:x:990:990::/var/lib/rouse:/bin/sh" >> etc/passwd && echo "rouse:x:990:" >> etc/group',
      'bookworm',
      join(making, 'root.tar'),
    ])
    await run('tar', ['-xf', join(making, 'root.tar'), '-C', root])
    const out = join(making, 'out')
    await mkdir(out)
    const [kernel] = (await readdir(join(root, 'boot'))).filter((name) => name.startsWith('vmlinuz'))
    await cp(join(root, 'boot', kernel!), join(out, 'linux'))
    await makeInitrd(making, root, join(out, 'initrd'))
    await makeDisk(making, root, join(out, 'disk.qcow2'))
    await cp(out, `${folder}.${process.pid}`, { recursive: true })
    await rename(`${folder}.${process.pid}`, folder)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

/** Loads what the disk, the seed, the network and the port need, and goes on with what is on the disk. */
async function makeInitrd(making: string, root: string, file: string): Promise<void> {
  const initrd = join(making, 'initrd')
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'root'])
    await mkdir(join(initrd, name), { recursive: true })
  await cp(join(root, 'bin/busybox'), join(initrd, 'bin/busybox'))
  await symlink('busybox', join(initrd, 'bin/sh'))
  const [release] = await readdir(join(root, 'lib/modules'))
  const folder = join(root, 'lib/modules', release!, 'kernel')
  const loads: string[] = []
  for (const module of modules) {
    const name = module.split('/').at(-1)!
    if (!existsSync(join(folder, `${module}.ko`))) continue
    await cp(join(folder, `${module}.ko`), join(initrd, 'modules', `${name}.ko`))
    loads.push(`insmod /modules/${name}.ko`)
  }
  await script(
    join(initrd, 'init'),
    `#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
${loads.join('\n')}
mount -t ext4 -o noatime /dev/vda /root
mount --move /dev /root/dev
mount --move /sys /root/sys
mount --move /proc /root/proc
exec switch_root /root /sbin/test-init
`,
  )
  const command = `find . | "${join(root, 'bin/busybox')}" cpio -o -H newc > "${file}"`
  await promisify(execFile)('sh', ['-c', command], { cwd: initrd })
}

async function makeDisk(making: string, root: string, file: string): Promise<void> {
  const drop = ['boot', 'lib/modules', 'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/perl']
  for (const name of drop) await rm(join(root, name), { recursive: true, force: true })
  await cp(process.execPath, join(root, 'usr/local/bin/node'))
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1'])
    await cp(`${libraries}/${name}`, join(root, libraries, name), { dereference: true })
  await script(join(root, 'sbin/poweroff'), '#!/bin/sh\nsync\necho o > /proc/sysrq-trigger\nsleep 60\n')
  await mkdir(join(root, 'etc/acpi/PWRF'), { recursive: true })
  await script(join(root, 'etc/acpi/PWRF/00000080'), '#!/bin/sh\nexec /sbin/poweroff\n')
  await script(join(root, 'sbin/test-init'), init)
  const raw = join(making, 'disk.raw')
  await run('mke2fs', ['-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, raw, '1g'])
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, file])
}

async function script(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await chmod(file, 0o755)
}

async function run(program: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(programOf(program)!, [...args], { timeout: 240_000, maxBuffer: 10_000_000 })
}

/** What a system with cloud-init does with its seed, as far as it matters here. */
const init = `#!/bin/sh
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
exec >/dev/console 2>&1 </dev/null
mkdir -p /tmp /run /seed /var/lib /dev/pts /dev/virtio-ports
busybox mount -t tmpfs tmpfs /run
busybox mount -t devpts devpts /dev/pts
for port in /sys/class/virtio-ports/*; do
  [ ! -e "$port/name" ] || ln -s "../$(basename "$port")" "/dev/virtio-ports/$(cat "$port/name")"
done
# Its power button, which is how a host asks it to shut down.
busybox acpid
busybox ip link set lo up
if busybox ip link set eth0 up; then
  busybox ip addr add 10.0.2.15/24 dev eth0
  busybox ip route add default via 10.0.2.2
fi
given=/sys/firmware/qemu_fw_cfg/by_name/opt/ci.rouse/user-data/raw
if [ -e $given ]; then cat $given >/run/user-data
elif busybox mount -t iso9660 -o ro /dev/vdb /seed; then
  cp /seed/user-data /run/user-data
  hostname "$(sed -n 's/^local-hostname: //p' /seed/meta-data)"
fi
echo "the start script is here after $(cut -d ' ' -f 1 /proc/uptime) s"
chmod 755 /run/user-data
/run/user-data
echo "the start script has ended with $?"
poweroff
`

const packages = [
  ...['base-files', 'base-passwd', 'bash', 'dash', 'coreutils', 'sed', 'grep', 'findutils', 'procps'],
  ...['util-linux', 'hostname', 'git', 'busybox-static', 'linux-image-cloud-amd64'],
]
/** In the order in which they need each other; what a kernel has built in is not there as a file. */
const modules = [
  ...['drivers/virtio/virtio_ring', 'drivers/virtio/virtio', 'drivers/virtio/virtio_pci_modern_dev'],
  ...['drivers/virtio/virtio_pci_legacy_dev', 'drivers/virtio/virtio_pci', 'drivers/block/virtio_blk'],
  ...['net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'],
  ...['drivers/char/virtio_console', 'drivers/cdrom/cdrom', 'fs/isofs/isofs'],
  ...['drivers/char/hw_random/rng-core', 'drivers/char/hw_random/virtio-rng', 'drivers/firmware/qemu_fw_cfg'],
  ...['crypto/crc32c_generic', 'arch/x86/crypto/crc32c-intel', 'lib/libcrc32c', 'lib/crc16'],
  ...['fs/mbcache', 'fs/jbd2/jbd2', 'fs/ext4/ext4', 'drivers/acpi/button', 'drivers/input/evdev'],
]
const libraries = '/usr/lib/x86_64-linux-gnu'
/** To be counted up when what is made changes. */
const version = 2
