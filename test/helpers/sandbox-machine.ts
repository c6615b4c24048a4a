import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A process that stands for a machine: it runs user data as root, sees this machine's files and changes none of them. */
export interface SandboxMachine {
  readonly pid: number
  /** When its power is off. */
  readonly ended: Promise<unknown>
  output(): string
}

/** Why this machine cannot have such; undefined: it can. */
export function missingSandbox(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'needs root on Linux for a machine of its own'
  const folder = mkdtempSync(join(tmpdir(), 'rouse-test-'))
  writeFileSync(join(folder, 'user-data'), '')
  const tried = spawnSync('unshare', argvOf(folder), { encoding: 'utf8', timeout: 20_000 })
  rmSync(folder, { recursive: true, force: true })
  return tried.status === 0 ? undefined : `cannot make a machine of its own: ${tried.stderr}`.trim()
}

/** Archives of what differs from this machine's files: what is on its disk at first, and what is there when it has powered itself off. */
export interface SandboxDisk {
  readonly from?: string | undefined
  readonly to: string
}

/** Runs until the script ends or the signal, its power switch, is aborted. */
export async function bootSandbox(
  userData: string,
  signal: AbortSignal,
  disk?: SandboxDisk,
): Promise<SandboxMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'rouse-test-'))
  await writeFile(join(folder, 'user-data'), userData, { mode: 0o600 })
  const child: ChildProcess = spawn('unshare', argvOf(folder, disk), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => (output += String(data)))
  const ended = once(child, 'close').then(() => rm(folder, { recursive: true, force: true }))
  const powerOff = () => void child.kill('SIGKILL')
  if (signal.aborted) powerOff()
  signal.addEventListener('abort', powerOff, { once: true })
  return { pid: child.pid!, ended, output: () => output }
}

// When unshare is killed, so is the first process in there, and with it all others.
function argvOf(folder: string, disk?: SandboxDisk): string[] {
  return [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--propagation',
    'private',
    'sh',
    '-c',
    setUp,
    'sh',
    join(folder, 'user-data'),
    join(folder, 'machine'),
    disk?.from ?? '',
    disk?.to ?? '',
  ]
}

/** Shell that makes the files of a machine in the folder $1: this machine's own, and what is written over them, at first the archive $2. */
export const makeDisk = `
set -e
at=$1
mkdir "$at"
mount -t tmpfs tmpfs "$at"
mkdir "$at/upper" "$at/work" "$at/root"
if [ -n "$2" ]; then tar -xpf "$2" -C "$at/upper"; fi
mount -t overlay overlay -o "lowerdir=/,upperdir=$at/upper,workdir=$at/work" "$at/root"
mkdir "$at/root/stubs"
printf '#!/bin/sh\\nexit 1\\n' >"$at/root/stubs/iptables"
chmod 755 "$at/root/stubs/iptables"
for name in ip6tables nft ip; do cp "$at/root/stubs/iptables" "$at/root/stubs/$name"; done
printf '#!/bin/sh\\nexit 0\\n' >"$at/root/stubs/poweroff"
chmod 755 "$at/root/stubs/poweroff"
mount --rbind /dev "$at/root/dev"
`

/** Shell that runs the user data in file $1 in the machine of the folder $2, and puts what is on its disk then into the archive $3. */
export const enterMachine = `
set -e
at=$2
cp "$1" "$at/root/user-data"
mount -t proc proc "$at/root/proc"
PATH=/stubs:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export PATH
run=exec
if [ -n "$3" ]; then run=; fi
$run /usr/bin/env -i PATH="$PATH" setpriv --bounding-set=-net_admin,-sys_time,-sys_boot,-sys_module chroot "$at/root" /bin/sh /user-data || [ -n "$3" ]
cd "$at/upper"
rm -rf user-data stubs
tar -cpf "$3.part" .
mv "$3.part" "$3"
`

// It shares the network, to reach the master: what would change that, the clock or the power is not there.
const setUp = `
file=$1 folder=$2 from=$3 to=$4
set -- "$folder" "$from"
${makeDisk}
set -- "$file" "$folder" "$to"
${enterMachine}`
