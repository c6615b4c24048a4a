import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts'
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

describe('templates', () => {
  test('get the facts and the mail as it would be', async () => {
    const { request } = await tellFailure(database.db)
    const [mail] = await compose(database, completed(request), {
      ...team,
      subject: (report) => `${report.result} of ${report.kind === 'build' ? report.request.builder : 'all'}`,
      body: async (report, { html, text }) => ({
        text: `${report.kind === 'build' ? report.failedStep?.name : ''}\n${text}`,
        html,
      }),
    })
    expect(mail!.subject).toBe('FAILURE of unit')
    expect(mail!.content.text).toMatch(/^npm test\nFAILURE: unit on main\n/)
    expect(mail!.content.html).toMatch(/^<!doctype html>/)
  })

  test('that fail give way to the usual mail, which says so', async () => {
    const { build, request } = await tellFailure(database.db)
    const [mail] = await compose(database, completed(request), {
      ...team,
      subject: () => {
        throw new Error('no such thing')
      },
      body: () => ({ html: '<p>' }) as never,
    })
    expect(mail!.subject).toBe(`[Acme builds] FAILURE: unit on main (build ${build})`)
    expect(mail!.content.text).toContain(
      'The template `subject` failed (no such thing), so this is the usual mail.',
    )
    expect(mail!.content.text).toContain('The template `body` gave no text, so this is the usual mail.')
  })

  test('cannot break headers or the size that a message may have', async () => {
    const { request } = await tellFailure(database.db)
    const [mail] = await compose(database, completed(request), {
      ...team,
      subject: () => `a\r\nBcc: eve@acme.example${'x'.repeat(1000)}`,
      body: () => ({ text: 'ä'.repeat(1_000_000), html: 'x'.repeat(1_000_000) }),
    })
    expect(mail!.subject).toMatch(/^a Bcc: eve@acme.examplex+…$/)
    expect(mail!.subject).toHaveLength(200)
    expect(JSON.stringify(mail).length).toBeLessThan(500_000)
    expect(mail!.content.html).toBeUndefined()
  })
})

describe('attachments', () => {
  test('are the logs and artifacts asked for, those of the failed step first, as far as they fit', async () => {
    const { request } = await tellFailure(database.db)
    const attached = async (options: object) =>
      (await compose(database, completed(request), { ...team, ...options }))[0]!
    const names = ({ content }: Awaited<ReturnType<typeof attached>>) =>
      content.attachments.map(({ filename }) => filename)
    expect(names(await attached({}))).toEqual([])
    expect(names(await attached({ addLogs: true }))).toEqual([
      'unit.npm test.stdio.txt',
      'unit.git.stdio.txt',
    ])
    expect(names(await attached({ addLogs: ['git.stdio'] }))).toEqual(['unit.git.stdio.txt'])
    expect(names(await attached({ addArtifacts: ['report/index.html'] }))).toEqual(['index.html'])
    const limited = await attached({ addLogs: true, addArtifacts: true, maxAttachmentSize: 100_000 })
    expect(names(limited)).toEqual(['unit.npm test.stdio.txt', 'unit.git.stdio.txt', 'index.html'])
    expect(limited.content.text).toContain('Too large to be attached: app.tgz.')
  })
})
