import { expect } from 'vitest'
import type { WorkerBackend } from '../../../src/latent/backend.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { BackendError } from '../../../src/latent/backend-error.ts'
import type { ContractCase } from './contract-case.ts'
import { call, none, running } from './contract-context.ts'

/** What goes wrong, as far as it can be provoked. */
export const faultCases: readonly ContractCase[] = [
  {
    sentence: 'shows one that has ended by itself as failed, with the reason, until it is stopped',
    async expectToHold(c) {
      const wanted = c.spec({ template: c.subject.crashing!.template })
      await c.backend.start(wanted, call())
      const [found] = await c.listed(wanted.id, ([one]) => one?.state === 'failed')
      expect(found!.detail).toContain(c.subject.crashing!.output)
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, none)
    },
    needs: 'crashing',
  },

  {
    sentence: 'finishes what a master that died has begun',
    async expectToHold(c) {
      const wanted = c.spec()
      await c.subject.halfMade!(wanted, c.cluster)
      const [half] = await c.listed(wanted.id, ([one]) => one?.state === 'starting')
      const instance = await c.backend.start(wanted, call())
      expect(instance.ref).toBe(half!.ref)
      await c.listed(wanted.id, running)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(1)
    },
    needs: 'halfMade',
  },

  {
    sentence: 'stops what a master that died has begun',
    async expectToHold(c) {
      const wanted = c.spec()
      await c.subject.halfMade!(wanted, c.cluster)
      await c.listed(wanted.id, ([one]) => one?.state === 'starting')
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, none)
    },
    needs: 'halfMade',
  },

  {
    sentence: 'ends each call at its deadline when the provider does not answer',
    async expectToHold(c) {
      const silent = await c.subject.silent!(c.cluster)
      const wanted = c.spec()
      try {
        const outcomes = await Promise.allSettled([
          silent.start(wanted, { signal: AbortSignal.timeout(300) }),
          silent.stop(wanted.id, { signal: AbortSignal.timeout(300) }),
          silent.list({ signal: AbortSignal.timeout(300) }),
        ])
        for (const outcome of outcomes) expectPassing(outcome)
      } finally {
        await silent.close?.()
      }
    },
    needs: 'silent',
  },

  {
    sentence: 'blames nobody for a provider that cannot be reached',
    async expectToHold(c) {
      const unreachable = await c.subject.unreachable!(c.cluster)
      const wanted = c.spec()
      try {
        const outcomes = await Promise.allSettled([
          unreachable.start(wanted, call()),
          unreachable.stop(wanted.id, call()),
          unreachable.list(call()),
        ])
        for (const outcome of outcomes) expectPassing(outcome)
      } finally {
        await unreachable.close?.()
      }
    },
    needs: 'unreachable',
  },

  {
    sentence: 'rejects a template that cannot work, says why, and leaves nothing once it is stopped',
    async expectToHold(c) {
      for (const { reason, template } of c.subject.rejected!) {
        const wanted = c.spec({ template })
        const error = await c.backend.start(wanted, call()).catch((thrown: unknown) => thrown)
        expect(error, `${reason}`).toBeInstanceOf(BackendError)
        expect(error).toMatchObject({ code: 'REJECTED', message: expect.stringMatching(reason) as string })
        await c.backend.stop(wanted.id, call())
        await c.listed(wanted.id, none)
      }
    },
    needs: 'rejected',
  },

  {
    sentence: 'says so when the provider has no room, and starts when it has',
    async expectToHold(c) {
      const { free, template } = await c.subject.useUp!()
      const wanted = c.spec({ template })
      try {
        const error = await c.backend.start(wanted, call()).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(BackendError)
        expect(error).toMatchObject({ code: 'CAPACITY' })
      } finally {
        await free()
      }
      await c.backend.start(wanted, call())
      await c.listed(wanted.id, running)
    },
    needs: 'useUp',
  },

  {
    sentence: 'sweeps what was made for an instance that is gone, and nothing of one that is known',
    async expectToHold(c) {
      const [known, gone] = [c.spec(), c.spec()]
      const knownIsThere = await c.subject.leftover!(known.id, c.cluster)
      const goneIsThere = await c.subject.leftover!(gone.id, c.cluster)
      const theirsIsThere = await c.subject.leftover!(c.spec().id, c.strangers)
      await sweepUntilGone(c.backend, new Set([known.id]), goneIsThere)
      expect([await knownIsThere(), await theirsIsThere()]).toEqual([true, true])
      await sweepUntilGone(c.backend, new Set(), knownIsThere)
      expect(await theirsIsThere()).toBe(true)
      await sweepUntilGone(c.stranger, new Set(), theirsIsThere)
    },
    needs: 'leftover',
  },
]

/** The first sweep need not remove what another master may have just begun. */
async function sweepUntilGone(
  backend: WorkerBackend<unknown>,
  known: ReadonlySet<string>,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const swept = async () => {
    await backend.sweep!(known, call())
    return !(await isThere())
  }
  await waitFor('a sweep to remove it', swept, { interval: 500, timeout: 50_000 })
}

/** A failure that passes: neither the template's nor for want of room. */
function expectPassing(outcome: PromiseSettledResult<unknown>): void {
  if (outcome.status === 'fulfilled') throw new Error('the call succeeded')
  expect(outcome.reason).toBeInstanceOf(Error)
  expect(outcome.reason).not.toBeInstanceOf(BackendError)
}
