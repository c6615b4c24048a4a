import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from '../docker/docker-engine.ts'
import { madeOnce } from '../made-once.ts'
import { waitFor } from '../wait-for.ts'

/**
 * A real libvirtd of the test's own, with QEMU by emulation: its files are in a folder that goes with it, and it knows no other
 * domains. It runs as an ordinary user would run one; as root, in a user namespace.
 */
export class LibvirtDaemon {
  readonly folder: string
  #daemon: ChildProcess | undefined

  /** A text says why this machine can have none. */
  static async start(): Promise<LibvirtDaemon | string> {
    for (const program of ['libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img'])
      if (!programOf(program))
        return `needs ${program} (Debian: libvirt-daemon, libvirt-clients, qemu-system-x86, qemu-utils)`
    await removeLeftovers()
    const daemon = new LibvirtDaemon(await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`)))
    try {
      await daemon.#prepare()
      await daemon.run()
      await daemon.virsh('pool-create-as', 'default', 'dir', '--target', daemon.images)
    } catch (error) {
      const said = await readFile(join(daemon.folder, 'log'), 'utf8').catch(() => '')
      await daemon.stop()
      throw new Error(`libvirtd does not run here: ${said.slice(-2000)}`, { cause: error })
    }
    return daemon
  }

  private constructor(folder: string) {
    this.folder = folder
  }

  get socket(): string {
    return join(this.folder, 'r/libvirt/libvirt-sock')
  }

  get uri(): string {
    return uriOf(this.socket)
  }

  /** Where the pool 'default' is. */
  get images(): string {
    return join(this.folder, 'images')
  }

  async virsh(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(programOf('virsh')!, ['-q', '-c', this.uri, ...args])
    return stdout
  }

  /** Names of all domains, running or not. */
  async domains(): Promise<string[]> {
    return words(await this.virsh('list', '--all', '--name'))
  }

  /** What is in the pool 'default'. */
  async volumes(): Promise<string[]> {
    return await readdir(this.images)
  }

  /** Starts it; after `kill` with what it had. */
  async run(): Promise<void> {
    const log = openSync(join(this.folder, 'log'), 'a')
    const asUser =
      process.getuid?.() === 0 ? ['unshare', '--user', '--map-user=1000', '--map-group=1000'] : []
    // It believes what it knows of QEMU only while CPUID gives the same, and that tells on which processor it was asked.
    const cpus = /Cpus_allowed_list:\t(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!
    const onOne = ['taskset', '--cpu-list', String(Number.parseInt(cpus))]
    const [program, ...args] = [...onOne, ...asUser, programOf('libvirtd')!, '--pid-file', this.#pidFile]
    const env = {
      ...process.env,
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      HOME: this.folder,
      XDG_RUNTIME_DIR: join(this.folder, 'r'),
      XDG_CONFIG_HOME: join(this.folder, 'c'),
      XDG_CACHE_HOME: join(this.folder, 'cache'),
      XDG_DATA_HOME: join(this.folder, 'data'),
    }
    this.#daemon = spawn(program, args, { stdio: ['ignore', log, log], env, detached: true })
    closeSync(log)
    const { exitCode } = this.#daemon
    if (exitCode !== null) throw new Error(`it ended with ${exitCode}`)
    await waitFor('libvirtd', async () => await this.virsh('version'), { timeout: 60_000, interval: 50 })
    await promisify(execFile)('taskset', [
      '--all-tasks',
      '--cpu-list',
      '--pid',
      cpus,
      String(this.#daemon.pid),
    ])
  }

  /** As a crash ends it: its machines go on. */
  async kill(): Promise<void> {
    const daemon = this.#daemon
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return
    const exit = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await exit
    await rm(this.socket, { force: true })
  }

  /** Ends it and all its machines. */
  async stop(): Promise<void> {
    await this.kill()
    await endMachines(this.folder)
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #pidFile(): string {
    return join(this.folder, 'libvirtd.pid')
  }

  async #prepare(): Promise<void> {
    for (const name of ['r', 'c/libvirt', 'cache/libvirt/qemu/cache', 'data', 'images'])
      await mkdir(join(this.folder, name), { recursive: true, mode: 0o700 })
    await writeFile(
      join(this.folder, 'c/libvirt/qemu.conf'),
      'security_driver = "none"\nstdio_handler = "file"\n',
    )
    // Asking QEMU for all that it can do takes seconds.
    const known = join(this.folder, 'cache/libvirt/qemu/cache/capabilities')
    const kept = await madeOnce('qemu-capabilities', async (path) => {
      await this.run()
      await this.kill()
      await cp(known, `${path}.${process.pid}`, { recursive: true })
      await cp(`${path}.${process.pid}`, path, { recursive: true })
      await rm(`${path}.${process.pid}`, { recursive: true })
    })
    await cp(kept, known, { recursive: true, preserveTimestamps: true })
  }
}

/** Of a libvirtd with this socket. */
export function uriOf(socket: string): string {
  return `qemu:///session?socket=${socket}`
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(Boolean)
}

// Of test runs that were killed.
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, run] = name.startsWith(prefix) ? (/(\d+)-\w+$/.exec(name) ?? []) : []
    if (!run || existsSync(`/proc/${run}`)) continue
    const folder = join(tmpdir(), name)
    await endProcess(join(folder, 'libvirtd.pid'), folder)
    await endMachines(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function endMachines(folder: string): Promise<void> {
  const states = join(folder, 'r/libvirt/qemu/run')
  const files = (await readdir(states).catch(() => [])).filter((name) => name.endsWith('.pid'))
  for (const name of files) if (name !== 'driver.pid') await endProcess(join(states, name), folder)
}

/** By its pid file, if it is a process that knows the folder. */
async function endProcess(pidFile: string, folder: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  const isOurs = () => pid > 0 && commandLine(pid).includes(folder)
  if (!isOurs()) return
  process.kill(pid, 'SIGKILL')
  await waitFor(`the end of ${pid}`, () => !isOurs())
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

// Short: a socket's path may have 107 bytes.
const prefix = 'rouse-lv-'
