#!/usr/bin/env node
// Plain JavaScript that any Node can parse, so that an old one gets advice instead of a syntax error.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `ROUSE_NODE_TOO_OLD: rouse needs Node.js 24 or newer, this is ${process.version}.\n` +
      'Install a newer Node.js (https://nodejs.org), or run it once with: npx -p node@24 rouse ...\n' +
      'A remote agent runs on Node.js 20 too: use the bundled rouse-agent.mjs there.',
  )
  process.exit(64)
}
await import('../dist/src/cli.js')
