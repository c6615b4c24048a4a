import type { InstanceSpec } from '../../src/latent/backend.ts'
import type { ImageFacts } from './probe-image.ts'
import { agentScript, loaderLink, masterFolder, runtimeFolder, tokenFile, workFolder } from './paths.ts'
import type { TarEntry } from './tar.ts'

/** What is put into a container before it starts: the token, which its user alone can read, and the script that starts the agent. */
export function agentFiles(
  spec: InstanceSpec<unknown>,
  image: ImageFacts,
  env: readonly string[],
): TarEntry[] {
  const { gid, uid } = image
  const file = (path: string, mode: number, content: string) => ({
    path: path.slice(1),
    mode,
    uid,
    gid,
    content,
  })
  return [
    file(tokenFile, 0o600, spec.token),
    file(agentScript, 0o755, startScript(spec, image, env)),
    { path: loaderLink.slice(1), type: 'symlink', mode: 0o777, target: image.loader },
    { path: workFolder.slice(1), type: 'directory', mode: 0o755, uid, gid },
  ]
}

/** The socket of a master on the engine's machine as its folder, since the socket itself is a new one after a restart. */
export function masterMounts(masters: readonly string[]): { source: string; target: string; url: string }[] {
  return masters.flatMap((master, i) => {
    if (!master.startsWith('unix:')) return []
    const path = master.slice('unix:'.length).replace(/^\/\/(?=\/)/, '')
    const slash = path.lastIndexOf('/')
    const target = `${masterFolder}/${i}`
    return { source: path.slice(0, slash) || '/', target, url: `unix:${target}${path.slice(slash)}` }
  })
}

function startScript(spec: InstanceSpec<unknown>, image: ImageFacts, names: readonly string[]): string {
  const mounted = masterMounts(spec.agent.masters)
  const masters = spec.agent.masters.map((url) => (url.startsWith('unix:') ? mounted.shift()!.url : url))
  const argv = [
    image.node,
    `${runtimeFolder}/rouse-agent.mjs`,
    ...masters.flatMap((url) => ['--master', url]),
    ...['--instance', '--name', spec.id, '--password-file', tokenFile, '--base-dir', workFolder],
  ]
  // For Node.js itself; commands never see it.
  const libraries = image.libraries && `LD_LIBRARY_PATH=${quoted(image.libraries)}\nexport LD_LIBRARY_PATH\n`
  const passed = names.filter((name) => !(libraries && name === 'LD_LIBRARY_PATH'))
  return `#!/bin/sh
# Starts the agent of Rouse.
ROUSE_PASS_ENV=${quoted(passed.join(','))}
export ROUSE_PASS_ENV
${libraries ?? ''}exec ${argv.map(quoted).join(' ')}
`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
