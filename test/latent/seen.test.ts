import { expect, test } from 'vitest'
import { waitFor } from '../helpers/wait-for.ts'
import { FakeCloud } from '../../workers/fake/index.ts'
import { openMaster } from './open-master.ts'

test('an instance that is starting is seen in REST, with its worker, in the reason of the request and in the metrics', async () => {
  const { get, post } = await openMaster({ worker: { instances: { max: 2 } } })
  const { requestIds } = await post('/api/v1/builders/unit/force')
  const [instance] = await waitFor<any>('an instance', async () => {
    const { items } = await get('/api/v1/instances')
    return items[0]?.state === 'starting' && items
  })
  expect(instance).toMatchObject({ name: 'dock/1', worker: 'dock', attempt: 1, cost: null })
  expect(instance.why).toMatch(/^waits for its agent, for at most \d+ s$/)
  expect(await get(`/api/v1/instances/${instance.id}`)).toMatchObject({ id: instance.id })
  const worker = await get('/api/v1/workers/dock')
  expect(worker).toMatchObject({ status: '1 of 2 instances: 1 starting', instances: [{ id: instance.id }] })
  await waitFor('the reason', async () => {
    const { waitingFor } = await get(`/api/v1/requests/r${requestIds[0]}`)
    return waitingFor === 'starting dock/1'
  })
  const metrics = await get('/metrics')
  expect(metrics).toContain('rouse_instances{worker="dock",state="starting"} 1\n')
  expect(metrics).toContain('rouse_instances{worker="dock",state="busy"} 0\n')
  expect(metrics).toContain('rouse_requests_pending 1\n')
})

test('a request whose instances never start ends with the reason, and the failed starts are counted', async () => {
  const { get, post } = await openMaster({ worker: { template: { reject: 'no such image' } } })
  const { requestIds } = await post('/api/v1/builders/unit/force')
  const request = await waitFor<any>('the end of the request', async () => {
    const found = await get(`/api/v1/requests/r${requestIds[0]}`)
    return found.state === 'complete' && found
  })
  expect(request).toMatchObject({ result: 'EXCEPTION', buildIds: [] })
  expect(request.startFailure).toContain('no such image')
  expect(await get('/metrics')).toContain('rouse_start_failures_total{worker="dock",code="REJECTED"} 1\n')
})

test('reap says at a dry run what nobody knows, and then ends it', async () => {
  const cloud = new FakeCloud()
  const { database, get, post } = await openMaster({ cloud, config: { orphanGrace: '1h' } })
  const { id: cluster } = await database.db.selectFrom('cluster').select('id').executeTakeFirstOrThrow()
  const spec = { id: 'rouse-orphan', worker: 'dock', name: 'dock/9', template: {}, generation: 1, token: '' }
  const agent = { file: '', sha256: '', masters: [] }
  cloud.add({ ...spec, agent, expiresAt: new Date() }, cluster)
  cloud.add({ ...spec, id: 'rouse-stranger', agent, expiresAt: new Date() }, 'another cluster')
  const dry = await post('/api/v1/instances/reap', { dryRun: true })
  expect(dry).toMatchObject({ dryRun: true, items: [{ id: 'rouse-orphan', ended: false }], troubles: [] })
  expect(cloud.machines).toHaveLength(2)
  const real = await post('/api/v1/instances/reap')
  expect(real).toMatchObject({ items: [{ id: 'rouse-orphan', ended: true, error: null }] })
  expect(cloud.machines.map(({ id }) => id)).toEqual(['rouse-stranger'])
  expect(await get('/metrics')).toContain('rouse_orphans_stopped_total 1\n')
})
