import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { said } from '../helpers/said.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
import { existsSync } from 'node:fs'
const { defineMaster, localWorker, staticWorker, shell } = rouse
const steps = [shell('true')]
const boom = () => { throw new Error('boom') }
export default defineMaster({
  listen,
  workers: [localWorker('a', { maxBuilds: 4 }), localWorker('b', { maxBuilds: 4 }), staticWorker('late', { password: 'l' })],
  builders: [
    { name: 'plain', workers: ['a'], steps },
    { name: 'second', workers: ['a', 'b'], steps, nextWorker: (workers) => workers.at(-1) },
    { name: 'usual', workers: ['a', 'b'], steps, nextBuild: boom, nextWorker: async () => 'nobody' },
    { name: 'broken', workers: ['a'], steps, canStartBuild: boom },
    { name: 'gated', workers: ['a'], steps, canStartBuild: async (request) => existsSync('go') && request.reason === 'forced' },
    { name: 'newest', workers: ['late'], steps, nextBuild: (requests) => requests.at(-1).id },
  ],
})`

test(
  'functions of a builder choose request and worker; one that fails hurts only its own builder',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    const waitingFor = (id: number) => master.api(`/requests/${id}`).then((r) => r.waitingFor)
    const [broken, gated] = [await master.force('broken'), await master.force('gated')]
    await waitFor('both to be refused', async () => {
      const reasons = [await waitingFor(broken), await waitingFor(gated)]
      return reasons.every((reason) => String(reason).startsWith('waits: '))
    })
    expect(await waitingFor(broken)).toBe("waits: its builder's canStartBuild failed: boom")
    expect(await waitingFor(gated)).toBe("waits: its builder's canStartBuild said no")

    expect(await master.request(await master.force('plain'))).toMatchObject({ result: 'SUCCESS' })
    const workerOf = async (builder: string) => {
      const { buildIds, result } = await master.request(await master.force(builder))
      expect(result).toBe('SUCCESS')
      return (await master.api(`/builds/${buildIds[0]}`)).worker
    }
    expect(await workerOf('second')).toBe('b')
    expect(await workerOf('usual')).toBe('a')
    await said(master, "its builder's nextBuild failed: boom")

    await writeFile(join(master.dir, 'go'), '')
    expect(await master.request(gated)).toMatchObject({ result: 'SUCCESS' })
    expect((await master.api(`/requests/${broken}`)).state).toBe('pending')
    await master.api(`/requests/${broken}/cancel`, { method: 'POST', json: {} })
    expect(await master.request(broken)).toMatchObject({ result: 'CANCELLED' })
  },
)

test('nextBuild sees all that waits and may take the newest first', { timeout: 90_000 }, async () => {
  const master = await startMaster({ config })
  const requests = []
  for (let i = 0; i < 3; i++) requests.push(await master.force('newest'))
  await master.agent('late', 'l')
  const builds = []
  for (const id of requests) builds.push((await master.request(id)).buildIds[0])
  expect(builds).toEqual(builds.toSorted((a, b) => b - a))
})
