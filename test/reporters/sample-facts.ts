import type {
  BuildFacts,
  BuildsetFacts,
  ChangeFacts,
  Facts,
  RequestFacts,
  WorkerFacts,
} from '../../src/reporters/facts.ts'
import type { Draft, Message, SendTools } from '../../src/reporters/reporter.ts'

export const site = { title: 'Acme builds', url: 'https://ci.acme.example/' }
export const commit = '0123456789abcdef0123456789abcdef01234567'

export function sampleChange(more: Partial<ChangeFacts> = {}): ChangeFacts {
  const author = 'Bob <bob@acme.example>'
  const link = null
  return {
    id: 1,
    revision: commit,
    branch: 'main',
    author,
    message: 'Mend it',
    link,
    files: ['a.c'],
    ...more,
  }
}

export function sampleRequest(more: Partial<RequestFacts> = {}): RequestFacts {
  return {
    id: 12,
    builder: 'unit',
    builderDescription: null,
    buildset: 5,
    reason: 'a commit',
    origin: 'scheduler',
    scheduler: 'all',
    source: { repository: 'https://github.com/acme/app.git', branch: 'main', revision: commit },
    changes: [sampleChange()],
    owners: ['bob@acme.example'],
    properties: [{ name: 'target', value: 'all', source: 'scheduler' }],
    submittedAt: new Date('2026-11-21T10:00:00Z'),
    completedAt: null,
    result: null,
    cancelReason: null,
    startFailure: null,
    supersededBy: null,
    build: null,
    previousResult: 'SUCCESS',
    ...more,
  }
}

export function sampleBuild(more: Partial<BuildFacts> = {}): BuildFacts {
  return {
    id: 17,
    request: sampleRequest({ build: 17 }),
    attempt: 1,
    worker: 'bot',
    startedAt: new Date('2026-11-21T10:00:10Z'),
    finishedAt: null,
    result: null,
    summary: null,
    cancelReason: null,
    properties: [{ name: 'target', value: 'all', source: 'scheduler' }],
    steps: [],
    artifacts: [],
    ...more,
  }
}

/** A build that has ended, and its request with it. */
export function endedBuild(result: BuildFacts['result'], more: Partial<BuildFacts> = {}): BuildFacts {
  const finishedAt = new Date('2026-11-21T10:03:12Z')
  const request = sampleRequest({ build: more.id ?? 17, completedAt: finishedAt, result })
  return sampleBuild({ request, result, finishedAt, ...more })
}

export function sampleWorker(more: Partial<WorkerFacts> = {}): WorkerFacts {
  return {
    name: 'bot',
    kind: 'static',
    notifyOnMissing: ['bob@acme.example'],
    admin: 'Bob',
    host: 'a Sun',
    hostname: 'sun1',
    os: 'solaris',
    lastAddress: '10.0.0.7',
    lastSeenAt: new Date('2026-11-21T09:00:00Z'),
    connected: false,
    waiting: [{ id: 12, builder: 'unit', submittedAt: new Date('2026-11-21T10:00:00Z') }],
    ...more,
  }
}

interface Known {
  readonly requests?: readonly RequestFacts[]
  readonly builds?: readonly BuildFacts[]
  readonly buildsets?: readonly BuildsetFacts[]
  readonly workers?: readonly WorkerFacts[]
}

/** Facts of what is given; the requests of the builds come with them. */
export function factsOf({ builds = [], buildsets = [], requests = [], workers = [] }: Known): Facts {
  const all = [...requests, ...builds.map((build) => build.request)]
  return {
    request: async (id) => all.find((request) => request.id === id),
    build: async (id) => builds.find((build) => build.id === id),
    buildset: async (id) => buildsets.find((buildset) => buildset.id === id),
    worker: async (name) => workers.find((worker) => worker.name === name),
    logTail: async () => '',
    logBytes: async () => undefined,
    artifactBytes: async () => undefined,
  }
}

/** As the outbox has stored the draft: through JSON. */
export function asMessage(draft: Draft, more: Partial<Message> = {}): Message {
  const stored = JSON.parse(JSON.stringify(draft)) as Draft
  return { ...stored, id: 'f81d4fae-7dec', createdAt: new Date(), attempt: 1, ...more }
}

export function sendTools(
  secrets: Readonly<Record<string, string>>,
  more: Partial<SendTools> = {},
): SendTools {
  return {
    facts: factsOf({}),
    site,
    signal: new AbortController().signal,
    secret: (name) => {
      const value = secrets[name]
      if (value === undefined) throw new Error(`no secret ${name}`)
      return value
    },
    ...more,
  }
}
