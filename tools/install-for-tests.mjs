import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { npm } from './setup/npm.mjs'
import { phase } from './setup/phase.mjs'
import { stateDir } from './setup/root.mjs'
import { SetupError } from './setup/setup-error.mjs'
import { userEnvironment } from './setup/user-environment.mjs'

/**
 * Installs what tests need and a machine may lack. What cannot be had is told; the tests that need it are then skipped by name.
 * Resolves to the environment that tells the tests where it is.
 */
export async function installForTests(node) {
  await tryTo('Chromium', () => install('Chromium', ['chromium'], isOnPath('chromium', 'google-chrome')))
  await tryTo('Git LFS', () => install('Git LFS', ['git-lfs'], isOnPath('git-lfs')))
  await tryTo('Docker Engine', () => install('Docker Engine', docker, hasDocker()))
  await tryTo('libvirt', () => install('libvirt', libvirt, hasLibvirt()))
  return (await tryTo('Node.js 20', () => findNode20(node))) ?? {}
}

async function tryTo(what, install) {
  try {
    return await install()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(`rouse: ${what} is not there, tests that need it are skipped: ${error.message}`)
    return undefined
  }
}

/** Installs Debian packages, unless what they bring is there. */
async function install(what, packages, isThere) {
  if (isThere) return
  if (process.getuid?.() !== 0 || !isOnPath('apt-get'))
    throw new SetupError('it can be installed only by root on Debian.')
  const env = { ...userEnvironment(), DEBIAN_FRONTEND: 'noninteractive' }
  const advice = `Install ${what} by hand, or do without.`
  await phase('updating the package lists (apt-get)', { command: 'apt-get', args: ['update'], env, advice })
  const args = ['install', '-y', '--no-install-recommends', ...packages]
  await phase(`installing ${what} (apt-get)`, { command: 'apt-get', args, env, advice })
}

/** The agent promises to run on Node.js 20: its tests want a real one. */
async function findNode20(node) {
  const machines = spawnSync('node', ['--version'], {
    env: userEnvironment(),
    encoding: 'utf8',
    timeout: 30_000,
  })
  if (machines.stdout?.startsWith('v20.')) return {}
  const folder = join(stateDir, 'node-20')
  const name = `node-${process.platform}-${process.arch}`
  const file = join(folder, 'node_modules', name, 'bin', 'node')
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true })
    await npm('getting Node.js 20 for the tests of the agent', {
      node,
      cwd: folder,
      args: ['install', '--prefix', folder, `${name}@20`],
      advice: 'Check the network and run it again.',
    })
  }
  return { ROUSE_TEST_NODE20: file }
}

function hasDocker() {
  return (
    isOnPath('dockerd') &&
    isOnPath('mmdebstrap') &&
    isOnPath('busybox') &&
    existsSync('/usr/bin/ld-musl-config')
  )
}

function hasLibvirt() {
  return ['libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'mmdebstrap'].every((one) => isOnPath(one))
}

/** Whether one of the programs is. */
function isOnPath(...programs) {
  const folders = [...(userEnvironment().PATH ?? '').split(delimiter), '/usr/sbin']
  return programs.some((program) => folders.some((folder) => existsSync(join(folder, program))))
}

// The engine, which each test file starts for itself, and what its images are made from.
const docker = ['docker.io', 'tini', 'mmdebstrap', 'musl', 'busybox-static']
// No service is started by them: each test file has a libvirtd of its own.
const libvirt = [
  'libvirt-daemon',
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'mmdebstrap',
]
