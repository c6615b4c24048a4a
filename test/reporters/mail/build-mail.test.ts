import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts'
import { tellBuild, tellBuildset, tellRequest, tellStep } from '../story.ts'
import { compose } from './compose.ts'
import { tellFailure } from './sample-mails.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

const team = { extraRecipients: ['team@acme.example'] }

function completed(request: number) {
  return { type: 'request.completed' as const, request, result: 'FAILURE' as const }
}

describe('a mail about a build', () => {
  test('says what failed and how, what was changed and by whom', async () => {
    const { build, request } = await tellFailure(database.db)
    const mails = await compose(database, completed(request), team)
    expect(mails).toHaveLength(1)
    const { content, subject, target } = mails[0]!
    expect(subject).toBe(`[Acme builds] FAILURE: unit on main (build ${build})`)
    expect(target).toBe('team@acme.example, ada@acme.example')
    expect(content.to).toEqual([
      { name: '', address: 'team@acme.example' },
      { name: 'Ada Lovelace', address: 'ada@acme.example' },
    ])
    expect(content.listId).toBe('<unit.builders.ci.acme.example>')
    expect(content.text).toMatchInlineSnapshot(`
      "FAILURE: unit on main
      =====================

      Build 1 of unit failed in the step “npm test”: exit code 1.

      The one before was SUCCESS.

      Build:      https://ci.acme.example/#/builds/1
      Builder:    unit
      Reason:     a change was pushed
      Repository: https://git.acme.example/app.git
      Revision:   4f1c2a9d8e7b6c5a4f3e2d1c0b9a8f7e6d5c4b3a
      Worker:     bot-solaris
      Attempt:    2
      Submitted:  2026-11-21 01:00 UTC
      Ended:      2026-11-21 01:04 UTC, after 3 m 10 s

      The end of the log of “npm test”
      --------------------------------
          ok 16 - card 16
          ok 17 - card 17
          ok 18 - card 18
          ok 19 - card 19
          ok 20 - card 20
          ok 21 - card 21
          ok 22 - card 22
          ok 23 - card 23
          ok 24 - card 24
          ok 25 - card 25
          ok 26 - card 26
          ok 27 - card 27
          ok 28 - card 28
          ok 29 - card 29
          ok 30 - card 30
          ok 31 - card 31
          ok 32 - card 32
          ok 33 - card 33
          ok 34 - card 34
          ok 35 - card 35
          ok 36 - card 36
          ok 37 - card 37
          ok 38 - card 38
          ok 39 - card 39
          ok 40 - card 40
          not ok 41 - <script>alert(1)</script> "quotes" 'ticks' & dne <img src=x onerror=alert(2)>
              expected: 3
              actual:   4
          a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-
          npm error code 1

      Changes
      -------
      - Count the cards once <https://git.acme.example/app/commit/9a8b7c6d5e4f> (9a8b7c6d5e4f) by Ada Lovelace <ada@acme.example>
      - <script>alert(1)</script> "quotes" 'ticks' & dne <img src=x onerror=alert(2)> (4f1c2a9d8e7b) by grace

      Artifacts
      ---------
      - app.tgz <https://ci.acme.example/api/v1/artifacts/2> (7.0 MiB)
      - report/index.html <https://ci.acme.example/api/v1/artifacts/1> (82.3 KiB)

      -- 
      This mail is from Acme builds <https://ci.acme.example/>.
      "
    `)
  })

  test('is written in the modes that want it, for the builders that were named', async () => {
    const { request } = await tellFailure(database.db)
    const written = async (options: object) =>
      (await compose(database, completed(request), { ...team, ...options })).length
    expect(await written({ mode: 'passing' })).toBe(0)
    expect(await written({ mode: ['passing', 'problem'] })).toBe(1)
    expect(await written({ builders: ['unit'] })).toBe(1)
    expect(await written({ builders: ['docs'] })).toBe(0)
  })

  test('of a request that never had one says why', async () => {
    const request = await tellRequest(database.db, await tellBuildset(database.db, { branch: null }), {
      result: 'EXCEPTION',
      start_failure: 'no image "nod:24"',
    })
    const [mail] = await compose(database, completed(request), { ...team, mode: 'all' })
    expect(mail!.subject).toBe(`[Acme builds] EXCEPTION: unit (request r${request})`)
    expect(mail!.content.text).toContain('ended without a build: no image "nod:24".')
  })

  test('does not carry the login of a repository', async () => {
    const repository = 'https://ci:hunter2@git.acme.example/app.git'
    const buildset = await tellBuildset(database.db, { repository, result: 'FAILURE' })
    const request = await tellRequest(database.db, buildset)
    const [mail] = await compose(database, completed(request), team)
    const event = { type: 'buildset.completed' as const, buildset, result: 'FAILURE' as const }
    const [summary] = await compose(database, event, { ...team, perBuildset: true })
    expect(mail!.content.text).toContain('https://git.acme.example/app.git')
    expect(summary!.content.text).toContain('https://git.acme.example/app.git')
    expect(JSON.stringify([mail, summary])).not.toContain('hunter2')
  })

  test('that mends what was broken says so', async () => {
    const { db } = database
    await tellRequest(db, await tellBuildset(db), { result: 'FAILURE' })
    const request = await tellRequest(db, await tellBuildset(db), { result: 'SUCCESS' })
    const build = await tellBuild(db, request, { result: 'SUCCESS' })
    const [mail] = await compose(database, completed(request), team)
    expect(mail!.subject).toBe(`[Acme builds] SUCCESS: unit on main (build ${build})`)
    expect(mail!.content.text).toContain('It is mended: the one before was FAILURE.')
  })

  test('is in one thread with others of its builder and branch only', async () => {
    const { db } = database
    const threadOf = async (branch: string, builder: string) => {
      const request = await tellRequest(db, await tellBuildset(db, { branch }), { builder })
      return (await compose(database, completed(request), team))[0]!.content.thread
    }
    const first = await threadOf('main', 'unit')
    expect(await threadOf('main', 'unit')).toBe(first)
    expect(await threadOf('other', 'unit')).not.toBe(first)
    expect(await threadOf('main', 'docs')).not.toBe(first)
  })

  test('with hostile names and texts stays one subject and one header each', async () => {
    const { db } = database
    const evil = 'x\r\nBcc: mallory@evil.example\r\n\r\n<script>'
    const buildset = await tellBuildset(db, {
      branch: evil,
      reason: evil,
      changes: [{ author: evil, message: evil }, { author: 'Eve <eve@acme.example>\nBcc: m@evil.example' }],
      properties: [{ name: 'owner', value: `ada@acme.example\r\nBcc: m@evil.example`, source: 'force' }],
    })
    const request = await tellRequest(db, buildset, { builder: evil })
    const [mail] = await compose(database, completed(request), { ...team, lookup: 'acme.example' })
    expect(mail!.subject).not.toMatch(/[\r\n]/)
    expect(mail!.content.to).toEqual([{ name: '', address: 'team@acme.example' }])
    expect(mail!.content.listId).toMatch(/^<[a-z\d.-]+>$/)
    expect(mail!.content.html).not.toContain('<script>')
  })
})

describe('one mail per buildset', () => {
  const event = (buildset: number) => ({
    type: 'buildset.completed' as const,
    buildset,
    result: 'FAILURE' as const,
  })
  const options = { ...team, perBuildset: true }

  test('tells of every builder, what went wrong first', async () => {
    const { db } = database
    const { buildset } = await tellFailure(db)
    const docs = await tellRequest(db, buildset, { builder: 'docs', result: 'SUCCESS' })
    await tellBuild(db, docs, { result: 'SUCCESS' })
    const lint = await tellRequest(db, buildset, { builder: 'lint', result: 'EXCEPTION' })
    const linting = await tellBuild(db, lint, { result: 'EXCEPTION' })
    await tellStep(db, linting, { number: 1, name: 'lint', result: 'EXCEPTION', log: 'killed\n' })
    const mails = await compose(database, event(buildset), options)
    expect(mails).toHaveLength(1)
    expect(mails[0]!.subject).toBe(`[Acme builds] FAILURE: 2 of 3 builders on main (buildset ${buildset})`)
    expect(mails[0]!.target).toBe('team@acme.example, ada@acme.example')
    expect(mails[0]!.content.text).toMatchInlineSnapshot(`
      "FAILURE: 2 of 3 builders on main
      ================================

      Every build that belongs to buildset 2 has ended.

      Reason:     a change was pushed
      Repository: https://git.acme.example/app.git
      Revision:   4f1c2a9d8e7b6c5a4f3e2d1c0b9a8f7e6d5c4b3a
      Ended:      2026-11-21 01:04 UTC, after 4 m 10 s

      Builds
      ------
      - FAILURE: unit failed in the step “npm test”: exit code 1 – build 1 <https://ci.acme.example/#/builds/1>
      - EXCEPTION: lint ended with an exception in the step “lint” – build 3 <https://ci.acme.example/#/builds/3>
      - SUCCESS: docs succeeded – build 2 <https://ci.acme.example/#/builds/2>

      The end of the log of “npm test” of unit
      ----------------------------------------
          ok 16 - card 16
          ok 17 - card 17
          ok 18 - card 18
          ok 19 - card 19
          ok 20 - card 20
          ok 21 - card 21
          ok 22 - card 22
          ok 23 - card 23
          ok 24 - card 24
          ok 25 - card 25
          ok 26 - card 26
          ok 27 - card 27
          ok 28 - card 28
          ok 29 - card 29
          ok 30 - card 30
          ok 31 - card 31
          ok 32 - card 32
          ok 33 - card 33
          ok 34 - card 34
          ok 35 - card 35
          ok 36 - card 36
          ok 37 - card 37
          ok 38 - card 38
          ok 39 - card 39
          ok 40 - card 40
          not ok 41 - <script>alert(1)</script> "quotes" 'ticks' & dne <img src=x onerror=alert(2)>
              expected: 3
              actual:   4
          a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-a-very-long-word-
          npm error code 1

      The end of the log of “lint” of lint
      ------------------------------------
          killed

      -- 
      This mail is from Acme builds <https://ci.acme.example/>.
      "
    `)
  })

  test('is written when one of its builds is wanted, and only for the builders that were named', async () => {
    const { buildset } = await tellFailure(database.db)
    await tellRequest(database.db, buildset, { builder: 'docs', result: 'SUCCESS' })
    const written = async (more: object) =>
      (await compose(database, event(buildset), { ...options, ...more })).length
    expect(await written({ mode: 'exception' })).toBe(0)
    expect(await written({ mode: 'passing' })).toBe(1)
    expect(await written({ mode: 'failing', builders: ['docs'] })).toBe(0)
    expect(await written({ builders: ['nothing'] })).toBe(0)
  })
})
