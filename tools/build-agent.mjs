// Bundles the agent into one file, dist/rouse-agent.mjs, which runs on Node.js 20 and newer without anything installed.
// Takes another name for it as its argument.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))

await build({
  absWorkingDir: root,
  entryPoints: ['src/agent/main.ts'],
  outfile: process.argv[2] ? resolve(process.argv[2]) : 'dist/rouse-agent.mjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'inline',
  logLevel: 'warning',
  banner: { js: `#!/usr/bin/env node\n// The Rouse agent ${version}\n${requireForCommonJs()}` },
  plugins: [
    { name: 'version', setup: injectVersion },
    { name: 'supervisor', setup: injectSupervisorEntry },
  ],
})

// ws is CommonJS, and asks for Node's own modules by `require`.
function requireForCommonJs() {
  return `import { createRequire as rouseCreateRequire } from 'node:module'\nconst require = rouseCreateRequire(import.meta.url)`
}

// The bundle is its own supervisor.
function injectSupervisorEntry(builder) {
  builder.onLoad({ filter: /\/src\/agent\/process\/supervisor-entry\.ts$/ }, () => ({
    contents: `import { fileURLToPath } from 'node:url'
export const superviseWord = 'supervise'
export const supervisorEntry = [fileURLToPath(import.meta.url), superviseWord]`,
  }))
}

// The bundle has no package.json beside it to read its version from.
function injectVersion(builder) {
  builder.onLoad({ filter: /\/src\/model\/version\.ts$/ }, () => ({
    contents: `export const version = ${JSON.stringify(version)}`,
  }))
}
