import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/helpers/summary-reporter.ts'

// `import 'rouse'` in a test means the sources of this checkout. 'module' is for bundlers: Node.js cannot run what packages have there.
const conditions = ['source', ...defaultServerConditions.filter((condition) => condition !== 'module')]

// Rooms whose tests need no database: `vitest --project unit` answers at once.
const withoutDatabase = [
  'test/{util,model,protocol,docs}/**/*.test.ts',
  'test/reporters/{http,status,webhook,slack,custom}/**/*.test.ts',
]
const withProcesses = ['test/{agent,config,workers}/**/*.test.ts']
const ofTools = ['test/tools/**/*.test.ts']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', new SummaryReporter()],
    projects: [
      { extends: true, test: { name: 'unit', include: withoutDatabase } },
      // Agents and commands in processes of their own: no database either, but they take their time.
      { extends: true, test: { name: 'processes', include: withProcesses, testTimeout: 90_000 } },
      // Checkout, linter and package: they need no database and take their time.
      { extends: true, test: { name: 'tools', include: ofTools, testTimeout: 120_000 } },
      {
        extends: true,
        test: {
          name: 'system',
          // Real processes on a busy machine: the limit is for what hangs, not for what is slow.
          testTimeout: 90_000,
          include: ['test/**/*.test.ts'],
          exclude: [...withoutDatabase, ...withProcesses, ...ofTools],
          globalSetup: 'test/helpers/global-setup.ts',
        },
      },
    ],
  },
})
