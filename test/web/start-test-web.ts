import { createHash } from 'node:crypto'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { EventLog } from '../../src/builds/event-log.ts'
import type { Admin } from '../../src/fleet/admin.ts'
import type { LoginAnswer } from '../../src/fleet/login.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { MasterLink, MasterLinkEvents } from '../../src/protocol/link.ts'
import type { FromAgent } from '../../src/protocol/messages.ts'
import type { OutputFrame } from '../../src/protocol/output-frame.ts'
import { Worker } from '../../src/fleet/worker.ts'
import { startWeb, type WebOptions, type WebServer } from '../../src/web/server.ts'
import type { ForceInput, WebServices } from '../../src/web/services.ts'
import { staticSpec } from '../fleet/open-fleet.ts'
import { createTestDatabase, type TestDatabase } from '../helpers/database.ts'

/** A session of an agent as the fleet sees it, written down. */
export interface Session {
  readonly worker: string
  readonly address: string
  readonly link: MasterLink
  readonly messages: FromAgent[]
  readonly frames: OutputFrame[]
  closed: string | undefined
}

/** A web server over a real database; what it asks the rest of the master for is written down. */
export interface TestWeb {
  readonly url: string
  readonly web: WebServer
  readonly database: TestDatabase
  readonly events: EventLog
  readonly forced: ForceInput[]
  readonly cancelled: string[]
  /** Ids. */
  readonly retriedNotices: readonly number[]
  readonly admins: [name: string, admin: Admin][]
  readonly logins: [name: string, password: string, address: string, runId?: string][]
  /** What came with a login to log in with from then on. */
  readonly credentials: (string | undefined)[]
  readonly sessions: Session[]
  readonly logged: Record<string, unknown>[]
  isReady: boolean
}

/** Starts one for each test of the file; `get()` is the present one. The database is shared by the file's tests. */
export function useTestWeb(
  options: Partial<WebOptions> = {},
  overrides: Partial<WebServices> = {},
): () => TestWeb {
  let database: TestDatabase | undefined
  const open: TestWeb[] = []
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterEach(async () => {
    for (const { web } of open.splice(0)) await web.close()
  })
  afterAll(() => database?.close())
  let current: TestWeb
  beforeEach(async () => {
    current = await startTestWeb(database!, options, overrides)
    open.push(current)
  })
  return () => current
}

export async function startTestWeb(
  database: TestDatabase,
  options: Partial<WebOptions> = {},
  overrides: Partial<WebServices> = {},
): Promise<TestWeb> {
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const test = {
    database,
    events: new EventLog(),
    forced: [] as ForceInput[],
    cancelled: [] as string[],
    admins: [] as TestWeb['admins'],
    logins: [] as TestWeb['logins'],
    credentials: [] as TestWeb['credentials'],
    sessions: [] as Session[],
    retriedNotices: [] as number[],
    logged,
    isReady: true,
  }
  const services: WebServices = {
    title: 'Test',
    url: undefined,
    agentsUrl: undefined,
    db: database.db,
    log,
    events: test.events,
    builders: () => [
      { name: 'unit', description: 'Unit tests', workers: ['bot', 'spare'], steps: [] },
      { name: 'über/all', workers: ['bot'], steps: [] },
    ],
    workers: () => [
      { name: 'bot', kind: 'static', maxBuilds: 2, properties: { os: 'solaris' } },
      { name: 'spare', kind: 'local', maxBuilds: 1, properties: {} },
    ],
    ready: () => test.isReady,
    queue: {
      force: async (input) => {
        test.forced.push(input)
        return { buildsetId: 1, requestIds: [test.forced.length] }
      },
      cancelRequest: async (id, { reason }) => void test.cancelled.push(`request ${id}: ${reason}`),
      waiting: (id) => ({ reason: 'waits for a free worker', position: id }),
    },
    builds: {
      cancelBuild: async (id, { reason }) => void test.cancelled.push(`build ${id}: ${reason}`),
      rebuild: async (id) => ({ buildsetId: id, requestIds: [id + 100] }),
    },
    fleet: {
      status: (name) =>
        name === 'bot'
          ? {
              connected: true,
              sentence: 'runs 1 of 2 builds',
              runningBuilds: [7],
              address: '127.0.0.1',
              version: '0.1.0',
              connectedAt: new Date(0),
            }
          : undefined,
      setAdmin: async (name, admin) => void test.admins.push([name, admin]),
      authenticate: async ({ address, credential, name, password, runId }) => {
        test.credentials.push(credential)
        test.logins.push(runId === undefined ? [name, password, address] : [name, password, address, runId])
        return loginAnswers[password] ?? loginAnswers.wrong!
      },
      accept: (worker, link, { address }) => record(test.sessions, worker.name, link, address),
    },
    metrics: async () => ({ type: 'text/plain; version=0.0.4', text: 'rouse_sessions 1\n' }),
    cluster: {
      describe: () => ({ id: 'a', held: null }),
      adopt: async () => ({ id: 'a', held: null }),
      renew: async () => ({ id: 'b', held: 'start the master again' }),
    },
    latent: {
      reap: async ({ dryRun }) => ({
        items: [{ ...testOrphan, ended: !dryRun }],
        troubles: [{ backend: 'docker elsewhere', message: 'connection refused' }],
      }),
      hindrances: () => [],
      troubles: () => [{ backend: 'docker elsewhere', message: 'connection refused', since: new Date(0) }],
    },
    master: {
      windDown: () => [7],
      reconfig: () =>
        Promise.resolve({
          workers: none,
          builders: none,
          schedulers: none,
          reporters: none,
          needsRestart: ['listen'],
        }),
    },
    artifactPath: (path) => path,
    notices: { retry: async (id) => void test.retriedNotices.push(id) },
    images: {
      names: () => [],
      trouble: () => undefined,
      build: async () => '',
      use: async () => {},
      remove: async () => 'removed',
      test: async () => ({ buildsetId: 1, requestIds: [1] }),
    },
    agentBundle: async () => testBundle,
    nodeRuntime: async () => undefined,
    ...overrides,
  }
  const web = await startWeb(services, { listen: { host: '127.0.0.1', port: 0 }, ...options })
  return Object.assign(test, { web, url: web.url })
}

const testOrphan = {
  id: 'rouse-1a2b3c4d-dock-9-orphan',
  worker: 'dock',
  backend: 'docker here',
  ref: 'c0ffee',
  state: 'running',
  detail: null,
  error: null,
}

/** Its checksum is right. */
export const testBundle = {
  bytes: Buffer.from('console.log("agent")\n'),
  sha256: createHash('sha256').update('console.log("agent")\n').digest('hex'),
}

const none = { added: [], changed: [], removed: [] }
const loginAnswers: Record<string, LoginAnswer> = {
  right: { ok: true, worker: new Worker(1, staticSpec()) },
  wrong: refusal(401, 'ROUSE_AGENT_LOGIN_REFUSED', 'unknown worker name or wrong password'),
  taken: refusal(409, 'ROUSE_AGENT_ALREADY_CONNECTED', 'another agent is connected'),
  often: {
    ...refusal(429, 'ROUSE_AGENT_TOO_MANY_FAILURES', 'too many failures'),
    retryAfter: 90,
  },
}

function refusal(status: 401 | 409 | 429, code: ErrorCode, message: string) {
  return { ok: false as const, status, code, message }
}

function record(sessions: Session[], worker: string, link: MasterLink, address: string): MasterLinkEvents {
  const session: Session = { worker, address, link, messages: [], frames: [], closed: undefined }
  sessions.push(session)
  return {
    message: (message) => {
      if (message.type === 'drain') throw new Error('a bug in the fleet')
      session.messages.push(message)
    },
    file: () => {},
    output: (frame) => void session.frames.push(frame),
    closed: (reason) => {
      session.closed = reason
    },
  }
}
