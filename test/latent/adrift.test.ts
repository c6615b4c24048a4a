import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { LatentWorld } from './latent-world.ts'

test.each(['starting', 'attached', 'busy', 'stopping'])(
  'an instance whose row the database refuses when it is to be %s is looked after again from what is stored',
  async (state) => {
    const world = await LatentWorld.open({ workers: { dock: { buildWaitTimeout: 10 } } })
    const { db } = world.database
    await sql`alter table instances add constraint refused check (state <> ${sql.lit(state)})`.execute(db)
    const request = await world.force('unit')
    const refused = () => world.master.logged.some(({ msg }) => msg === 'an instance could not be stored')
    await world.until('the refusal', refused)
    await sql`alter table instances drop constraint refused`.execute(db)
    expect(await world.result(request)).toBe('SUCCESS')
    await world.empty()
    expect(world.agents.size).toBe(1)
  },
)
