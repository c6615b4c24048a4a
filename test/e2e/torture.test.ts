import { expect, onTestFinished, test } from 'vitest'
import { torture } from '../torture/torture.ts'
import { verdict } from '../torture/verdict.ts'

const seed = Number(process.env.ROUSE_TORTURE_SEED ?? Date.now() % 1_000_000)

test(
  `builds keep their promises while master, agents, links and PostgreSQL are killed at random (seed ${seed})`,
  { timeout: 300_000 },
  async () => {
    const onEnd = (release: () => Promise<unknown>) => onTestFinished(async () => void (await release()))
    const tortured = await torture({ seed, builds: 40, seconds: 30, onEnd })
    expect(await verdict(tortured), `seed ${seed}, ${JSON.stringify(tortured.harm)}`).toEqual([])
  },
)
