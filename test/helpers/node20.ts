import { spawnSync } from 'node:child_process'

/** A Node.js 20 of this machine, for what promises to run on it; undefined where there is none. */
export function findNode20(): string | undefined {
  return [process.env.ROUSE_TEST_NODE20, 'node', '/usr/bin/node'].find(
    (path) => path && spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v20.'),
  )
}
