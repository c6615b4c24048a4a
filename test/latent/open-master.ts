import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { resolveConfig } from '../../src/config/resolve-config.ts'
import type { MasterConfig } from '../../src/config/types.ts'
import { shell } from '../../src/steps/shell.ts'
import { startMaster, type Master } from '../../src/master.ts'
import { FakeCloud, fakeWorker, type FakeWorkerOptions } from '../../workers/fake/index.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

interface OpenOptions {
  readonly worker?: Partial<FakeWorkerOptions>
  readonly config?: Partial<MasterConfig>
  readonly cloud?: FakeCloud
  /** Default: one of its own. */
  readonly database?: TestDatabase
  readonly dataDir?: string
  /** Changes the config when it is read anew. */
  readonly reload?: (config: MasterConfig) => MasterConfig | Promise<MasterConfig>
}

export interface OpenMaster {
  readonly master: Master
  readonly cloud: FakeCloud
  readonly database: TestDatabase
  readonly dataDir: string
  readonly logged: Record<string, unknown>[]
  get(path: string): Promise<any>
  post(path: string, body?: object): Promise<any>
  stop(): Promise<void>
}

/** A master in this process with the latent worker 'dock' and its builder 'unit'; no agent ever comes. Ended with the test. */
export async function openMaster(options: OpenOptions = {}): Promise<OpenMaster> {
  const { cloud = new FakeCloud() } = options
  const database = options.database ?? (await testDatabase())
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'rouse-seen-')))
  if (!options.dataDir) onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  const config: MasterConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir,
    database: database.url,
    workers: [fakeWorker('dock', { cloud, ...options.worker })],
    builders: [{ name: 'unit', workers: ['dock'], steps: [shell('true')] }],
    sweepInterval: 0.5,
    ...options.config,
  }
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const resolved = (config: MasterConfig) =>
    resolveConfig({ config, dir: dataDir, files: [join(dataDir, 'master.config.ts')] }, {})
  const { reload = (same) => same } = options
  const master = await startMaster(resolved(config), {
    log,
    reload: async () => resolved(await reload(config)),
  })
  onTestFinished(() => master.stop())
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(new URL(path, master.url), init)
    const text = await answer.text()
    return answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
  }
  const headers = { 'content-type': 'application/json' }
  return {
    master,
    cloud,
    database,
    dataDir,
    logged,
    get: (path) => ask(path),
    post: (path, body = {}) => ask(path, { method: 'POST', headers, body: JSON.stringify(body) }),
    stop: () => master.stop(),
  }
}

/** Closed with the test, after the masters on it. */
export async function testDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase()
  onTestFinished(() => database.close())
  return database
}
