import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { ArtifactStore } from '../../src/builds/artifact-store.ts'
import { step } from '../../src/steps/step.ts'
import { uploadFile } from '../../src/steps/transfer-steps.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, ownDatabase } from './test-core.ts'

test('a note that cannot be stored leaves the log to the next one', async () => {
  const database = await ownDatabase()
  await sql`alter table effects add check (request ->> 'line' <> 'bad')`.execute(database.db)
  const notes = step('notes', async (context) => {
    await context.note('bad').catch(() => {})
    await context.note('good')
    return { result: 'SUCCESS' }
  })
  const core = await Core.open(database, {
    workers: [{ name: 'bot' }],
    builders: [{ name: 'one', workers: ['bot'], steps: [notes] }],
  })
  core.connect('bot')
  expect(await core.result(await core.force('one'))).toBe('SUCCESS')
  const logs = await core.db.selectFrom('logs').select(['name', 'finished']).execute()
  expect(logs).toEqual([{ name: 'stdio', finished: true }])
})

test('a file that the master cannot take is asked of no agent, and its command does not stay open', async () => {
  const core = await Core.open(await ownDatabase(), {
    workers: [{ name: 'bot' }],
    builders: [{ name: 'one', workers: ['bot'], steps: [uploadFile('app.tgz')] }],
    artifacts: new ArtifactStore(join(await tempDir(), 'nothing', 'here')),
  })
  const agent = core.connect('bot')
  await core.force('one')
  const build = await waitFor('the end of the build', async () =>
    core.db
      .selectFrom('builds')
      .select(['result', 'summary'])
      .where('result', 'is not', null)
      .executeTakeFirst(),
  )
  expect(build).toMatchObject({
    result: 'RETRY',
    summary: expect.stringMatching(/the master cannot take part/),
  })
  const [command] = await core.db.selectFrom('commands').select(['finished_at', 'result']).execute()
  expect(command).toMatchObject({ finished_at: expect.any(Date), result: { reason: 'lost' } })
  expect(agent.of('run')).toEqual([])
})
