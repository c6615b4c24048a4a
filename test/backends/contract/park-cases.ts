import { expect } from 'vitest'
import type { Instance, InstanceSpec } from '../../../src/latent/backend.ts'
import type { ContractCase } from './contract-case.ts'
import { call, none, running, type ContractContext } from './contract-context.ts'

/** Shutting a machine down with its disk, and waking it, for backends that can. */
export const parkCases: readonly ContractCase[] = [
  {
    sentence: 'parks a machine, which is listed as stopped, and wakes it with its disk and a new token',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = await parked(c)
      for (const generation of [2, 3]) {
        await c.backend.reset!(ofGeneration(wanted, generation), call())
        const [found] = await c.listed(wanted.id, running)
        expect(found).toMatchObject({ cluster: c.cluster, worker: 'dock' })
        await expectAwake(c, wanted, generation)
        await c.backend.park!(wanted.id, call())
        await c.listed(wanted.id, stopped)
      }
    },
  },

  {
    sentence: 'parks what is parked already, or about to be',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = await started(c)
      await c.backend.park!(wanted.id, call())
      await c.backend.park!(wanted.id, call())
      await c.listed(wanted.id, stopped)
      await c.backend.park!(wanted.id, call())
      await c.listed(wanted.id, stopped)
    },
  },

  {
    sentence: 'wakes one that a master before it has begun to park or to wake',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = await started(c)
      await c.backend.park!(wanted.id, call())
      const restarted = await c.subject.open(c.cluster)
      try {
        await restarted.reset!(ofGeneration(wanted, 2), call())
        await c.backend.reset!(ofGeneration(wanted, 3), call())
      } finally {
        await restarted.close?.()
      }
      await c.listed(wanted.id, running)
      await expectAwake(c, wanted, 3)
    },
  },

  {
    sentence: 'wakes with the last token what was woken by calls that were given up',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = await parked(c)
      for (const [n, ms] of [1, 20, 200].entries()) {
        const signal = AbortSignal.timeout(ms)
        await c.backend.reset!(ofGeneration(wanted, 2 + n), { signal }).catch(() => {})
      }
      await c.backend.reset!(ofGeneration(wanted, 5), call())
      await c.listed(wanted.id, running)
      await expectAwake(c, wanted, 5)
    },
  },

  {
    sentence: 'stops a parked machine, and leaves nothing of it',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = await parked(c)
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, none)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(0)
    },
  },

  {
    sentence: 'says so when there is nothing that it could park or wake',
    needs: 'parking',
    async expectToHold(c) {
      const wanted = c.spec({ template: c.subject.parking!.template })
      await expect(c.backend.park!(wanted.id, call())).rejects.toThrow()
      await expect(c.backend.reset!(ofGeneration(wanted, 2), call())).rejects.toThrow()
    },
  },

  {
    sentence: 'neither parks nor wakes what is of another cluster',
    needs: 'parking',
    async expectToHold(c) {
      const theirs = c.spec({ template: c.subject.parking!.template })
      await c.stranger.start(theirs, call())
      await c.listed(theirs.id, running)
      await expect(c.backend.park!(theirs.id, call())).rejects.toThrow()
      await expect(c.backend.reset!(ofGeneration(theirs, 2), call())).rejects.toThrow()
      await c.listed(theirs.id, running)
    },
  },
]

async function started(c: ContractContext<unknown>): Promise<InstanceSpec<unknown>> {
  const wanted = c.spec({ template: c.subject.parking!.template })
  await c.backend.start(wanted, call())
  await c.listed(wanted.id, running)
  await c.subject.parking!.write?.(wanted.id)
  return wanted
}

async function parked(c: ContractContext<unknown>): Promise<InstanceSpec<unknown>> {
  const wanted = await started(c)
  await c.backend.park!(wanted.id, call())
  await c.listed(wanted.id, stopped)
  return wanted
}

async function expectAwake(
  c: ContractContext<unknown>,
  { id }: InstanceSpec<unknown>,
  generation: number,
): Promise<void> {
  const { isWritten, token } = c.subject.parking!
  expect(await token?.(id)).toBe(token && `token-of-generation-${generation}`)
  expect(await isWritten?.(id)).toBe(isWritten && true)
  if (c.subject.bearers) expect(await c.subject.bearers(id)).toBe(1)
}

function ofGeneration(spec: InstanceSpec<unknown>, generation: number): InstanceSpec<unknown> {
  return { ...spec, generation, token: `token-of-generation-${generation}` }
}

const stopped = (found: Instance[]) => found.length === 1 && found[0]!.state === 'stopped'
