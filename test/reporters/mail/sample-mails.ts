import type { Kysely } from 'kysely'
import type { Database } from '../../../src/db/schema.ts'
import { tellBuild, tellBuildset, tellRequest, tellStep } from '../story.ts'

/** What strangers may have written. */
export const hostile = `<script>alert(1)</script> "quotes" 'ticks' & \u202edne\u0007 <img src=x onerror=alert(2)>`

/** A build that failed, with all that a mail can tell of one. */
export async function tellFailure(
  db: Kysely<Database>,
): Promise<{ request: number; build: number; buildset: number }> {
  await tellRequest(db, await tellBuildset(db), { result: 'SUCCESS' })
  const buildset = await tellBuildset(db, {
    result: 'FAILURE',
    revision: '4f1c2a9d8e7b6c5a4f3e2d1c0b9a8f7e6d5c4b3a',
    changes: [
      {
        author: 'Ada Lovelace <ada@acme.example>',
        message: 'Count the cards once\n\nNot twice.',
        revision: '9a8b7c6d5e4f',
        link: 'https://git.acme.example/app/commit/9a8b7c6d5e4f',
      },
      { author: 'grace', message: hostile, revision: '4f1c2a9d8e7b', link: 'javascript:alert(3)' },
    ],
  })
  const request = await tellRequest(db, buildset)
  const build = await tellBuild(db, request, { summary: 'test failed', attempt: 2 })
  await tellStep(db, build, { number: 1, name: 'git', result: 'SUCCESS', log: 'HEAD is now at 4f1c2a9\n' })
  const { step } = await tellStep(db, build, {
    number: 2,
    name: 'npm test',
    result: 'FAILURE',
    summary: 'exit code 1',
    log: `${Array.from({ length: 40 }, (_, i) => `ok ${i + 1} - card ${i + 1}`).join('\n')}\n\x1b[31mnot ok 41 - ${hostile}\x1b[0m\n    expected: 3\n    actual:   4\n${'a-very-long-word-'.repeat(20)}\nnpm error code 1\n`,
  })
  await db
    .insertInto('artifacts')
    .values([
      {
        build_id: build,
        step_id: step,
        name: 'report/index.html',
        path: 'x',
        size: 84_231,
        sha256: 'x',
        type: 'text/html',
      },
      {
        build_id: build,
        step_id: step,
        name: 'app.tgz',
        path: 'y',
        size: 7_340_032,
        sha256: 'y',
        type: 'application/gzip',
      },
    ])
    .execute()
  return { request, build, buildset }
}

/** A worker that is missing, what it ran and what waits for it; the event. */
export async function tellMissing(db: Kysely<Database>) {
  const facts = {
    os: 'solaris',
    arch: 'x64',
    cpus: 4,
    memory: 8_589_934_592,
    hostname: 'sun-7',
    node: 'v20.20.2',
    admin: 'Bob Smith <bob@acme.example>',
    host: 'rack 7, Sun Fire V480',
  }
  await db
    .insertInto('workers')
    .values({
      name: 'bot-solaris',
      kind: 'static',
      facts: JSON.stringify(facts),
      last_address: '10.0.7.7',
      last_seen_at: new Date('2026-11-21T00:59:30Z'),
    })
    .execute()
  const buildset = await tellBuildset(db)
  const build = await tellBuild(db, await tellRequest(db, buildset, { result: null, state: 'claimed' }), {
    result: null,
  })
  const waiting = await tellRequest(db, buildset, { result: null })
  return {
    build,
    waiting,
    event: {
      type: 'worker.missing' as const,
      worker: 'bot-solaris',
      since: '2026-11-21T01:00:00.000Z',
      reason: 'it is not connected',
      lastAddress: '10.0.7.7',
      lastSeenAt: '2026-11-21T00:59:30.000Z',
      builds: [build],
    },
  }
}
