// Runs one task of this checkout (`npm start`, `npm test`, ...) after all set-up that it needs.
// Plain JavaScript with no dependency: it must work on the machine's own Node, before anything is installed.
import { findNode } from './setup/find-node.mjs'
import { buildParts } from './setup/build-parts.mjs'
import { installPackages } from './setup/install-packages.mjs'
import { SetupError } from './setup/setup-error.mjs'
import { runInherited, signalName } from './setup/processes.mjs'
import { root } from './setup/root.mjs'
import { userEnvironment } from './setup/user-environment.mjs'
import { tasks } from './tasks.mjs'

const [name, ...args] = process.argv.slice(2)
process.exitCode = await main()

async function main() {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (!task) {
    console.error(`usage: node tools/run.mjs ${Object.keys(tasks).join('|')} [arguments]`)
    return 64
  }
  try {
    const node = await findNode()
    await installPackages(node)
    return await task(args, {
      node,
      build: (...parts) => buildParts(node, parts),
      run: (nodeArgs, { env = {} } = {}) =>
        runInherited(node, nodeArgs, { cwd: root, env: { ...userEnvironment(), ...env } }),
    })
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    if (!signalName()) console.error(`rouse: ${error.message}`)
    return error.exitCode
  }
}
