import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { FakeCloud, type FakeMachine } from '../../workers/fake/index.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { openMaster } from './open-master.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

test('an instance with an agent is seen through its life: busy, idle until when, gone and why', async () => {
  const cloud = new FakeCloud({ boot: runAgent })
  onTestFinished(() => cloud.close())
  const worker = { buildWaitTimeout: '3s', pricePerHour: 3600, instances: { max: 2 } } as const
  const { get, post } = await openMaster({ cloud, worker, config: { sweepInterval: 0.2 } })
  await post('/api/v1/builders/unit/force')
  const build = await waitFor<any>('the build', async () => {
    const { items } = await get('/api/v1/builds')
    return items[0]?.state === 'finished' && items[0]
  })
  expect(build).toMatchObject({ result: 'SUCCESS', worker: 'dock', instance: 'dock/1' })
  expect(build.cost).toBeGreaterThan(0)

  const idle = await waitFor<any>('the idle instance', async () => {
    const { items } = await get('/api/v1/instances')
    return items[0]?.state === 'attached' && items[0]
  })
  expect(idle).toMatchObject({ name: 'dock/1', builds: 1, runningBuilds: [], stopReason: null })
  expect(idle.why).toMatch(/^idle, stops in [123] s$/)
  const kept = Date.parse(idle.idleUntil) - Date.parse(idle.changedAt)
  expect(kept).toBeGreaterThan(2000)
  expect(kept).toBeLessThanOrEqual(3000)
  expect(await get('/api/v1/workers/dock')).toMatchObject({
    connected: true,
    status: '1 of 2 instances: 1 idle',
  })
  const metrics = await get('/metrics')
  expect(metrics).toContain('rouse_workers_connected{kind="latent"} 1\n')
  expect(metrics).toContain('rouse_instance_start_seconds_count{worker="dock"} 1\n')
  expect(metrics).toContain('rouse_builds_total{result="SUCCESS"} 1\n')
  expect(metrics).toMatch(/rouse_instance_seconds_total\{worker="dock",activity="busy"\} 0\.\d*[1-9]/)

  const gone = await waitFor<any>('its end', async () => {
    const instance = await get(`/api/v1/instances/${idle.id}`)
    return instance.state === 'gone' && instance
  })
  expect(gone).toMatchObject({
    stopReason: 'it was idle for 3 s',
    why: 'it was idle for 3 s',
    idleUntil: null,
  })
  expect((await get('/api/v1/instances')).items).toEqual([])
  expect(cloud.machines).toEqual([])
})

/** A real agent in a process of its own, until the machine has no power. */
async function runAgent({ id, signal, spec }: FakeMachine): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'rouse-machine-'))
  await writeFile(join(dir, 'token'), spec.token, { mode: 0o600 })
  const master = spec.agent.masters[0]!
  const args = [
    'worker',
    '--instance',
    '--master',
    master,
    '--name',
    id,
    '--password-file',
    join(dir, 'token'),
  ]
  const agent = spawn(process.execPath, [cli, ...args, '--base-dir', dir, '--give-up-command', 'true'], {
    stdio: 'ignore',
  })
  const ended = once(agent, 'exit')
  const off = () => agent.kill('SIGTERM')
  if (signal.aborted) off()
  signal.addEventListener('abort', off)
  await ended
  await rm(dir, { recursive: true, force: true })
}
