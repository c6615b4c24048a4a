import { expect } from 'vitest'
import type { BackendImages, ImageStamp } from '../../../src/latent/images/backend-images.ts'
import type { ContractCase } from './contract-case.ts'
import { call, none, running, type ContractContext } from './contract-context.ts'

/** Keeping the disks of machines as images, for backends that can. */
export const imageCases: readonly ContractCase[] = [
  {
    sentence: 'keeps the disk of a machine as an image that others are made of, until it is removed',
    needs: 'images',
    async expectToHold(c) {
      const images = imagesOf(c)
      const { id, ref } = await kept(c, stamp())
      await c.backend.stop(id, call())
      await c.listed(id, none)
      expect(await images.list(call())).toContain(ref)
      const user = c.spec({ template: c.subject.images!.using(ref) })
      await c.backend.start(user, call())
      await c.listed(user.id, running)
      await c.backend.stop(user.id, call())
      await c.listed(user.id, none)
      await removed(c, ref)
      await expect(images.remove(ref, call())).resolves.toBeUndefined()
    },
  },

  {
    sentence: 'keeps an image anew when that was given up before, and leaves nothing of the earlier tries',
    needs: 'images',
    async expectToHold(c) {
      const wanted = await machine(c)
      const one = stamp()
      for (const ms of [1, 20, 200])
        await imagesOf(c)
          .keep(wanted.id, one, { signal: AbortSignal.timeout(ms) })
          .catch(() => {})
      const restarted = await c.subject.open(c.cluster)
      try {
        const first = await restarted.images!.keep(wanted.id, one, call())
        const ref = await restarted.images!.keep(wanted.id, one, call())
        await c.listedImages(new Set([first, ref]), ref)
        // Some providers keep what has lost its name.
        for (const left of await restarted.images!.list(call())) await restarted.images!.remove(left, call())
        await c.listedImages(new Set([first, ref]))
      } finally {
        await restarted.close?.()
      }
    },
  },

  {
    sentence: "neither shows nor removes another cluster's images of the same name",
    needs: 'images',
    async expectToHold(c) {
      const one = stamp()
      const { ref } = await kept(c, one)
      expect(await c.stranger.images!.list(call())).not.toContain(ref)
      const theirs = await machine(c, c.stranger)
      const other = await c.stranger.images!.keep(theirs.id, one, call())
      expect(other).not.toBe(ref)
      expect(await imagesOf(c).list(call())).toContain(ref)
      expect(await imagesOf(c).list(call())).not.toContain(other)
      await c.stranger.images!.remove(other, call())
      await removed(c, ref)
    },
  },

  {
    sentence: 'knows what an image to begin with is now',
    needs: 'images',
    async expectToHold(c) {
      const { from } = c.subject.images!
      const now = await imagesOf(c).identify(from, call())
      expect(now).not.toBe('')
      expect(await imagesOf(c).identify(from, call())).toBe(now)
      const aborted = { signal: AbortSignal.abort(new Error('no longer wanted')) }
      await expect(imagesOf(c).list(aborted)).rejects.toThrow()
      await expect(imagesOf(c).keep(c.spec().id, stamp(), call())).rejects.toThrow()
    },
  },
]

function imagesOf(c: ContractContext<unknown>): BackendImages {
  return c.backend.images!
}

/** Another one each time. */
function stamp(): ImageStamp {
  return { name: 'debian-ci', hash: crypto.randomUUID().replaceAll('-', '').slice(0, 16) }
}

/** One that has provisioned an image. */
async function machine(c: ContractContext<unknown>, backend = c.backend) {
  const wanted = c.spec({ template: c.subject.images!.machine })
  await backend.start(wanted, call())
  await c.listed(wanted.id, running)
  await c.subject.images!.powerOff?.(wanted.id)
  return wanted
}

async function kept(c: ContractContext<unknown>, one: ImageStamp) {
  const { id } = await machine(c)
  return { id, ref: await imagesOf(c).keep(id, one, call()) }
}

async function removed(c: ContractContext<unknown>, ref: string): Promise<void> {
  await imagesOf(c).remove(ref, call())
  await c.listedImages(new Set([ref]))
}
