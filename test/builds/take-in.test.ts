import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { PendingQueue, type PendingRequest } from '../../src/builds/pending-queue.ts'
import { takeIn } from '../../src/builds/take-in.ts'
import { registerMaster } from '../../src/db/register-master.ts'
import { shell } from '../../src/steps/shell.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { Core, ownDatabase } from './test-core.ts'

const request = (id: number): PendingRequest => ({
  id,
  builder: 'one',
  priority: 0,
  notBefore: 0,
  avoidWorker: undefined,
})

test('what another master has cancelled or taken meanwhile does not wait here any more, what it has left does', async () => {
  const clock = new ManualClock()
  const database = await ownDatabase()
  const core = await Core.open(database, {
    workers: [{ name: 'bot' }],
    builders: [{ name: 'one', workers: ['bot'], steps: [shell('true')] }],
    clock,
  })
  const other = await registerMaster(core.db, { host: 'other', pid: 1, version: '0.0.0', only: false })
  const [cancelled, taken, mine, waiting] = [0, 0, 0, 0].map(() => randomUUID())
  const ids = new Map<string, number>()
  for (const branch of [cancelled, taken, mine, waiting]) ids.set(branch!, await core.submit('one', branch!))
  const id = (branch: string | undefined) => ids.get(branch!)!
  await sql`update requests set state = 'complete', result = 'CANCELLED', completed_at = now() where id = ${id(cancelled)}`.execute(
    core.db,
  )
  const claim = (request: number, owner: string) =>
    sql`update requests set state = 'claimed', claimed_at = now(), owner = ${owner}, epoch = 1 where id = ${request}`.execute(
      core.db,
    )
  await claim(id(taken), other.id)
  const [me] = await core.db.selectFrom('masters').select('id').where('id', '<>', other.id).execute()
  // As after a commit whose answer was lost: this master tries it again.
  await claim(id(mine), me!.id)
  await waitFor('the others to leave the queue', () => {
    clock.advance(1000)
    return core.builds.pendingCount === 2
  })
  expect([cancelled, taken, mine, waiting].map((one) => core.builds.waiting(id(one)) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
  ])
})

test('what leaves or joins the queue while it is read stays as it is', async () => {
  const queue = new PendingQueue()
  for (const id of [1, 2]) queue.add(request(id))
  const line = {
    get known() {
      return new Set(queue.ids)
    },
    add: (one: PendingRequest) => queue.add(one),
    remove: (id: number) => queue.remove(id),
  }
  await takeIn(line, {
    async pending() {
      const read = [request(1), request(2), request(3)]
      queue.remove(1)
      queue.add(request(4))
      return read
    },
    gone: async (ids) => ids,
  })
  expect(new Set(queue.ids)).toEqual(new Set([2, 3, 4]))
})
