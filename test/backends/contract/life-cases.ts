import { expect } from 'vitest'
import { BackendError } from '../../../src/latent/backend-error.ts'
import type { ContractCase } from './contract-case.ts'
import { call, none, running } from './contract-context.ts'

/** Starting, listing and stopping. */
export const lifeCases: readonly ContractCase[] = [
  {
    sentence: 'lists what it has started, with its stamp, until it runs',
    async expectToHold(c) {
      const wanted = c.spec()
      const instance = await c.backend.start(wanted, call())
      expect(instance).toMatchObject({ id: wanted.id, cluster: c.cluster, worker: 'dock' })
      const [found] = await c.listed(wanted.id, running)
      expect(found).toMatchObject({ id: wanted.id, cluster: c.cluster, worker: 'dock', ref: instance.ref })
    },
  },

  {
    sentence: 'gives the same machine for the same id',
    async expectToHold(c) {
      const wanted = c.spec()
      const first = await c.backend.start(wanted, call())
      const second = await c.backend.start(wanted, call())
      expect(second.ref).toBe(first.ref)
      const found = await c.listed(wanted.id, running)
      expect(found.map(({ ref }) => ref)).toEqual([first.ref])
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(1)
    },
  },

  {
    sentence: 'starts several at the same time',
    async expectToHold(c) {
      const wanted = [c.spec(), c.spec(), c.spec()]
      const instances = await Promise.all(wanted.map((one) => c.backend.start(one, call())))
      expect(new Set(instances.map(({ ref }) => ref)).size).toBe(3)
      expect(instances.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id))
      for (const { id } of wanted) await c.listed(id, running)
    },
  },

  {
    sentence: 'leaves nothing of what it has stopped',
    async expectToHold(c) {
      const wanted = c.spec()
      await c.backend.start(wanted, call())
      await c.listed(wanted.id, running)
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, none)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(0)
    },
  },

  {
    sentence: 'takes it as success to stop what is not there',
    async expectToHold(c) {
      const wanted = c.spec()
      await expect(c.backend.stop(wanted.id, call())).resolves.toBeUndefined()
      await c.backend.start(wanted, call())
      await c.backend.stop(wanted.id, call())
      await expect(c.backend.stop(wanted.id, call())).resolves.toBeUndefined()
    },
  },

  {
    sentence: 'can start an id again after it was stopped',
    async expectToHold(c) {
      const wanted = c.spec()
      await c.backend.start(wanted, call())
      await c.backend.stop(wanted.id, call())
      await c.listed(wanted.id, none)
      await c.backend.start(wanted, call())
      await c.listed(wanted.id, running)
    },
  },

  {
    sentence: 'shows what another cluster has started, and does not stop it',
    async expectToHold(c) {
      const theirs = c.spec()
      const { ref } = await c.stranger.start(theirs, call())
      await c.listed(theirs.id, running)
      await c.backend.stop(theirs.id, call())
      await c.backend.sweep?.(new Set(), call())
      const [found] = await c.listed(theirs.id, running)
      expect(found).toMatchObject({ cluster: c.strangers, ref })
    },
  },

  {
    sentence: 'finds, adopts and stops what a master before it has started',
    async expectToHold(c) {
      const wanted = c.spec()
      const { ref } = await c.backend.start(wanted, call())
      const restarted = await c.subject.open(c.cluster)
      try {
        await c.listed(wanted.id, running)
        expect((await restarted.list(call())).find(({ id }) => id === wanted.id)?.ref).toBe(ref)
        expect((await restarted.start(wanted, call())).ref).toBe(ref)
        await restarted.stop(wanted.id, call())
        await c.listed(wanted.id, none)
      } finally {
        await restarted.close?.()
      }
    },
  },

  {
    sentence: 'makes one machine of a start that was given up and its repetition',
    async expectToHold(c) {
      const wanted = c.spec()
      for (const ms of [1, 20, 100]) {
        const given = c.backend.start(wanted, { signal: AbortSignal.timeout(ms) })
        // It may have been quick enough.
        await given.catch((error: unknown) => expect(error).not.toBeInstanceOf(BackendError))
      }
      await c.backend.start(wanted, call())
      await c.listed(wanted.id, running)
      if (c.subject.bearers) expect(await c.subject.bearers(wanted.id)).toBe(1)
    },
  },

  {
    sentence: 'ends each call at once when its signal was aborted before',
    async expectToHold(c) {
      const wanted = c.spec()
      const aborted = { signal: AbortSignal.abort(new Error('no longer wanted')) }
      await expect(c.backend.start(wanted, aborted)).rejects.toThrow()
      await expect(c.backend.stop(wanted.id, aborted)).rejects.toThrow()
      await expect(c.backend.list(aborted)).rejects.toThrow()
      await c.listed(wanted.id, none)
    },
  },
]
