import { expect } from 'vitest'
import type { InstanceSpec } from '../../../src/latent/backend.ts'
import type { ContractCase } from './contract-case.ts'
import { call, running, type ContractContext } from './contract-context.ts'

/** Making a machine pristine, for backends that can. */
export const resetCases: readonly ContractCase[] = [
  {
    sentence:
      'takes a machine back to its pristine state after a build, and only then hands it the new token',
    needs: 'pristine',
    async expectToHold(c) {
      const wanted = await ready(c)
      for (const generation of [3, 4]) {
        await c.subject.pristine!.soil(wanted.id)
        expect(await c.subject.pristine!.isSoiled(wanted.id)).toBe(true)
        await expectFresh(c, wanted, generation)
      }
      await c.listed(wanted.id, running)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(1)
    },
  },

  {
    sentence: 'seals and resets once more for a master that was killed in the middle',
    needs: 'pristine',
    async expectToHold(c) {
      const wanted = await ready(c)
      const restarted = await c.subject.open(c.cluster)
      try {
        await c.subject.pristine!.soil(wanted.id)
        await restarted.reset!(ofGeneration(wanted, 3), call())
        await restarted.reset!(ofGeneration(wanted, 4), call())
        expect(await c.subject.pristine!.isSoiled(wanted.id)).toBe(false)
        expect(await c.subject.pristine!.token(wanted.id)).toBe('token-of-generation-4')
      } finally {
        await restarted.close?.()
      }
    },
  },

  {
    sentence: 'makes a pristine machine of a reset that was given up and its repetition',
    needs: 'pristine',
    async expectToHold(c) {
      const wanted = await ready(c)
      await c.subject.pristine!.soil(wanted.id)
      for (const [n, ms] of [1, 20, 200].entries()) {
        const signal = AbortSignal.timeout(ms)
        await c.backend.reset!(ofGeneration(wanted, 3 + n), { signal }).catch(() => {})
      }
      await expectFresh(c, wanted, 6)
    },
  },

  {
    sentence: 'says so when there is nothing that it could seal or reset',
    needs: 'pristine',
    async expectToHold(c) {
      const wanted = c.spec()
      if (c.backend.seal) await expect(c.backend.seal(wanted.id, call())).rejects.toThrow()
      await expect(c.backend.reset!(ofGeneration(wanted, 2), call())).rejects.toThrow()
    },
  },

  {
    sentence: 'stops a machine that was sealed and reset, and leaves nothing of it',
    needs: 'pristine',
    async expectToHold(c) {
      const wanted = await ready(c)
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, (found) => found.length === 0)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(0)
    },
  },
]

/** A machine before its first build, sealed more than once where it is sealed. */
async function ready(c: ContractContext<unknown>): Promise<InstanceSpec<unknown>> {
  const wanted = c.spec()
  await c.backend.start(wanted, call())
  if (c.subject.pristine!.way === 'snapshot') {
    await c.backend.seal!(wanted.id, call())
    await c.backend.seal!(wanted.id, call())
    await expectFresh(c, wanted, 2)
  }
  return wanted
}

async function expectFresh(
  c: ContractContext<unknown>,
  wanted: InstanceSpec<unknown>,
  generation: number,
): Promise<void> {
  const spec = ofGeneration(wanted, generation)
  await c.backend.reset!(spec, call())
  expect(await c.subject.pristine!.isSoiled(wanted.id)).toBe(false)
  expect(await c.subject.pristine!.token(wanted.id)).toBe(spec.token)
}

function ofGeneration(spec: InstanceSpec<unknown>, generation: number): InstanceSpec<unknown> {
  return { ...spec, generation, token: `token-of-generation-${generation}` }
}
