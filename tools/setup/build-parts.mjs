import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { phase } from './phase.mjs'
import { root, stateDir } from './root.mjs'
import { withSetupLock } from './setup-lock.mjs'
import { userEnvironment } from './user-environment.mjs'

/** Builds what is not run from its sources, the 'page' and the 'agent', where sources have changed since the last time. */
export async function buildParts(node, names) {
  for (const name of names) {
    if (isFresh(name)) continue
    await withSetupLock(async () => isFresh(name) || (await build(node, name)))
  }
}

async function build(node, name) {
  const { title, args } = parts[name]
  const print = fingerprint(name)
  await phase(title, {
    command: node,
    args,
    cwd: root,
    env: userEnvironment(),
    advice: 'Mend it and run it again.',
  })
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(printFile(name), print)
}

function isFresh(name) {
  const file = printFile(name)
  return (
    existsSync(join(root, parts[name].output)) &&
    existsSync(file) &&
    readFileSync(file, 'utf8') === fingerprint(name)
  )
}

function printFile(name) {
  return join(stateDir, `${name}.fingerprint`)
}

// By content: a fresh clone, a restored cache and a checkout of another branch all give files new times.
function fingerprint(name) {
  const hash = createHash('sha256')
  for (const file of parts[name].sources.flatMap(filesBelow).sort())
    hash.update(`${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function filesBelow(path) {
  if (/\.\w+$/.test(path)) return existsSync(join(root, path)) ? [path] : []
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)],
  )
}

const parts = {
  page: {
    title: 'building the page',
    args: ['node_modules/vite/bin/vite.js', 'build'],
    output: 'dist/ui/index.html',
    sources: ['src/ui', 'src/model', 'src/web/api.ts', 'vite.config.ts', 'package-lock.json'],
  },
  agent: {
    title: 'building the agent',
    args: ['tools/build-agent.mjs'],
    output: 'dist/rouse-agent.mjs',
    sources: [
      'src/agent',
      'src/protocol',
      'src/model',
      'src/util',
      'tools/build-agent.mjs',
      'package.json',
      'package-lock.json',
    ],
  },
}
