import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { tellBuildset, tellRequest } from '../story.ts'
import { compose, twoOClock } from './compose.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.close())

const team = { extraRecipients: ['team@acme.example'] }

function completed(request: number) {
  return { type: 'request.completed' as const, request, result: 'FAILURE' as const }
}

describe('recipients', () => {
  async function requestOf(...authors: (string | null)[]): Promise<number> {
    const changes = authors.map((author) => ({ author }))
    const properties = [
      { name: 'owners', value: ['owen', 'Olga <olga@acme.example>'], source: 'force' as const },
    ]
    return tellRequest(database.db, await tellBuildset(database.db, { changes, properties }))
  }
  const toOf = async (request: number, options: object) =>
    (await compose(database, completed(request), options)).flatMap(({ content }) =>
      content.to.map(({ address }) => address),
    )

  test('are the authors and owners whose addresses are known, and the extra ones', async () => {
    const request = await requestOf('Ada <ada@acme.example>', 'grace', null)
    expect(await toOf(request, {})).toEqual(['ada@acme.example', 'olga@acme.example'])
    expect(await toOf(request, { owners: false })).toEqual(['ada@acme.example'])
    expect(await toOf(request, { sendToInterestedUsers: false })).toEqual([])
    expect(await toOf(request, { sendToInterestedUsers: false, owners: true })).toEqual(['olga@acme.example'])
    expect(await toOf(request, { sendToInterestedUsers: false, ...team })).toEqual(['team@acme.example'])
  })

  test('are looked up by a domain when their address is not known', async () => {
    const request = await requestOf('Ada <ada@acme.example>', 'grace', 'two words')
    expect(await toOf(request, { lookup: 'corp.example' })).toEqual([
      'ada@acme.example',
      'grace@corp.example',
      'owen@corp.example',
      'olga@acme.example',
    ])
  })

  test('are who a function says, also one that takes its time', async () => {
    const asked: string[] = []
    const lookup = async (person: string) => {
      asked.push(person)
      await Promise.resolve()
      return person.startsWith('Ada') ? 'Ada L. <ada@corp.example>' : undefined
    }
    const request = await requestOf('Ada <ada@acme.example>', 'grace')
    expect(await toOf(request, { lookup })).toEqual(['ada@corp.example'])
    expect(asked).toEqual(['Ada <ada@acme.example>', 'grace', 'owen', 'Olga <olga@acme.example>'])
  })

  test('that a function fails for get no mail, and the others are told so', async () => {
    const lookup = (person: string) => {
      if (person === 'grace') throw new Error('the directory is down')
      return person === 'owen' ? 'not an address' : 'ada@acme.example'
    }
    const [mail] = await compose(database, completed(await requestOf('ada', 'grace')), { lookup })
    expect(mail!.content.to).toEqual([{ name: '', address: 'ada@acme.example' }])
    expect(mail!.content.text).toContain('For grace there is no address: the directory is down.')
    expect(mail!.content.text).toContain(
      'For owen there is no address: lookup gave something that is no address.',
    )
  })

  test('that all fail are an error, so that it is tried again', async () => {
    const lookup = () => {
      throw new Error('the directory is down')
    }
    const composing = compose(database, completed(await requestOf('ada')), { lookup })
    await expect(composing).rejects.toMatchObject({
      name: 'DeliveryError',
      worth: 'later',
      message: expect.stringContaining('the directory is down'),
      advice: expect.stringContaining('lookup'),
    })
  })

  test('that a function never finds do not hold the mail up', async () => {
    const clock = twoOClock()
    const lookup = () => new Promise<undefined>(() => {})
    const request = await tellRequest(
      database.db,
      await tellBuildset(database.db, { changes: [{ author: 'ada' }] }),
    )
    const composing = compose(database, completed(request), { lookup, ...team }, clock)
    await waitFor('the question', () => clock.sleeping === 1)
    clock.advance(10_000)
    await waitFor('the last patience', () => clock.sleeping === 1)
    clock.advance(5000)
    const [mail] = await composing
    expect(mail!.content.text).toContain('For ada there is no address: it did not answer within 10 s.')
  })
})
