import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './npm.mjs'
import { packagesDiffer } from './packages-differ.mjs'
import { root } from './root.mjs'
import { SetupError } from './setup-error.mjs'
import { withSetupLock } from './setup-lock.mjs'

/** The path of a Node.js 24 or newer: the one that runs this, else the checkout's own, which is installed when missing. */
export async function findNode() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major >= 24) return process.execPath
  if (major < 20)
    throw new SetupError(`Node.js 20 or newer is needed, this is ${process.version}. ${getNode}`)
  if (isMissing()) await withSetupLock(async () => isMissing() && (await install()))
  return ownNode
}

function isMissing() {
  return !existsSync(ownNode) || packagesDiffer(folder)
}

async function install() {
  await npm('getting Node.js 24 for this checkout', {
    node: process.execPath,
    cwd: folder,
    advice: `Check the network and run it again, or install it yourself. ${getNode}`,
  })
  const version = spawnSync(ownNode, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  if (version.status === 0) return
  throw new SetupError(`no Node.js 24 for ${process.platform}-${process.arch} that runs here. ${getNode}`, {
    cause: version.error,
  })
}

const folder = join(root, 'tools', 'node')
const ownNode = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
const getNode = 'Node.js 24 is at https://nodejs.org.'
