import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import Docker from 'dockerode'
import { waitFor } from '../wait-for.ts'

/** A real Docker Engine for tests. */
export interface DockerEngine {
  /** 'unix:///...' */
  readonly host: string
  readonly docker: Docker
  /** Of its own, and ended with `stop`; else somebody's whose containers are none of our business. */
  readonly own: boolean
  stop(): Promise<void>
}

/**
 * With ROUSE_TEST_INSTALL=1 (root, Debian's docker.io installed) an engine of the test's own, which ends with all it has at `stop`;
 * else the one that answers at DOCKER_HOST or the usual socket. A text says why there is none.
 */
export async function startDockerEngine(): Promise<DockerEngine | string> {
  if (process.env.ROUSE_TEST_INSTALL === '1') return await startOwn()
  const host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock'
  if (!host.startsWith('unix://')) return `needs a Docker Engine at a Unix socket, DOCKER_HOST is ${host}`
  const docker = clientOf(host.slice('unix://'.length))
  try {
    await docker.ping()
  } catch {
    return `needs a Docker Engine; none answers at ${host}`
  }
  return { host, docker, own: false, stop: async () => {} }
}

async function startOwn(): Promise<DockerEngine | string> {
  if (process.getuid?.() !== 0) return 'needs a Docker Engine, which only root can start'
  const dockerd = programOf('dockerd')
  if (!dockerd) return "needs Debian's docker.io, or another dockerd"
  await removeLeftovers()
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  const socket = join(folder, 'docker.sock')
  const log = openSync(join(folder, 'log'), 'w')
  // Neither the machine's network nor its firewall is touched; networks that a test makes are its own.
  const daemon = spawn(
    dockerd,
    [
      ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
      '--default-address-pool=base=10.213.0.0/20,size=24',
      ...[`--data-root=${folder}/data`, `--exec-root=${folder}/exec`, `--pidfile=${folder}/pid`],
      ...['-H', `unix://${socket}`],
    ],
    { stdio: ['ignore', log, log], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  )
  closeSync(log)
  const ended = once(daemon, 'exit')
  const stop = async () => {
    if (daemon.exitCode === null) daemon.kill('SIGTERM')
    await ended
    await removeFolder(folder)
  }
  const docker = clientOf(socket)
  try {
    await waitFor('the Docker Engine', async () => daemon.exitCode !== null || (await docker.ping()))
    if (daemon.exitCode === null) return { host: `unix://${socket}`, docker, own: true, stop }
    const said = await readFile(join(folder, 'log'), 'utf8')
    await stop()
    return `needs a Docker Engine, and dockerd does not run here: ${said.trim().split('\n').at(-1)}`
  } catch (error) {
    await stop()
    throw error
  }
}

function clientOf(socketPath: string): Docker {
  return new Docker({ socketPath, host: undefined, port: undefined })
}

/** Its path; as a user's PATH often has no sbin, that is looked through, too. */
export function programOf(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

// Of test runs that were killed.
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, run] = name.startsWith(prefix) ? (/(\d+)-\w+$/.exec(name) ?? []) : []
    if (!run || existsSync(`/proc/${run}`)) continue
    const folder = join(tmpdir(), name)
    const pid = daemonOf(folder)
    if (pid !== undefined) {
      process.kill(pid, 'SIGTERM')
      await waitFor('the end of an old Docker Engine', () => daemonOf(folder) === undefined)
    }
    await removeFolder(folder)
  }
}

function daemonOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'))
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`--data-root=${folder}/`) ? pid : undefined
  } catch {
    return undefined
  }
}

async function removeFolder(folder: string): Promise<void> {
  // What a daemon that was killed has left mounted.
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounts.reverse()) spawnSync('umount', ['--lazy', path])
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

const prefix = 'rouse-test-docker-'
