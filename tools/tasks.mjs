import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup/root.mjs'
import { installForTests } from './install-for-tests.mjs'

/**
 * What `npm run` offers. Each gets its arguments, `build` for parts that must be fresh, and `run`, which runs Node.js 24 and
 * resolves to the exit code; each resolves to the exit code of the whole.
 */
export const tasks = {
  async start(args, { build, run }) {
    await build('page', 'agent')
    return run([...source, 'src/cli.ts', 'start', ...args])
  },

  async rouse(args, { build, run }) {
    if (args.find((arg) => !arg.startsWith('-')) === 'start') await build('page', 'agent')
    return run([...source, 'src/cli.ts', ...args])
  },

  async test(args, { build, run, node }) {
    await build('page', 'agent')
    const env = process.env.ROUSE_TEST_INSTALL === '1' ? await installForTests(node) : {}
    return run(['node_modules/vitest/vitest.mjs', 'run', ...args], { env })
  },

  async check(args, { run }) {
    return worst(
      await run([tsc, '--noEmit', '-p', '.', ...args]),
      await run([tsc, '--noEmit', '-p', 'src/ui', ...args]),
    )
  },

  async lint(args, { run }) {
    const oxlint = await run(['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', ...args])
    return worst(oxlint, await run([prettier, '--check', '--log-level', 'warn', '.']))
  },

  async format(args, { run }) {
    return run([prettier, '--write', '--log-level', 'warn', ...(args.length ? args : ['.'])])
  },

  async bench(args, { build, run }) {
    await build('page', 'agent')
    return run([...source, 'bench/main.ts', ...args])
  },

  async torture(args, { run }) {
    return run([...source, 'test/torture/main.ts', ...args])
  },

  /** Masters killed before and after everything they do in the life of an instance. */
  async matrix(args, { build, run, node }) {
    await build('page', 'agent')
    const installed = process.env.ROUSE_TEST_INSTALL === '1' ? await installForTests(node) : {}
    const env = { ROUSE_MATRIX_CELLS: 'all', ...installed }
    return run(['node_modules/vitest/vitest.mjs', 'run', 'test/crash-matrix', ...args], { env })
  },

  /** The contract of backends against real clouds: what the environment names, see docs/write-a-backend.md. */
  async 'test:cloud'(args, { build, run }) {
    await build('page', 'agent')
    return run(['node_modules/vitest/vitest.mjs', 'run', 'test/cloud', ...args], {
      env: { ROUSE_TEST_CLOUD: '1' },
    })
  },

  /** What `npm pack` puts into the package: JavaScript with types, the page, the agent. */
  async build(_args, { build, run }) {
    for (const folder of ['src', 'workers', 'migrations'])
      rmSync(join(root, 'dist', folder), { recursive: true, force: true })
    await build('page', 'agent')
    return run([tsc, '-p', 'tsconfig.build.json'])
  },
}

const source = ['--conditions=source']
const tsc = 'node_modules/typescript/bin/tsc'
const prettier = 'node_modules/prettier/bin/prettier.cjs'

function worst(...codes) {
  return Math.max(...codes)
}
