import { npm } from './npm.mjs'
import { packagesDiffer } from './packages-differ.mjs'
import { root } from './root.mjs'
import { withSetupLock } from './setup-lock.mjs'

/** Makes node_modules what package-lock.json says. Quick when it is that already. */
export async function installPackages(node) {
  if (packagesDiffer(root)) await withSetupLock(async () => packagesDiffer(root) && (await install(node)))
}

function install(node) {
  return npm('installing packages (npm ci)', {
    node,
    cwd: root,
    advice: 'Check the network and that this folder may be written, then run it again.',
  })
}
