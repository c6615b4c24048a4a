import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { finished } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { startTcpPostgres, type TcpPostgres } from '../helpers/tcp-postgres.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
import { defineMaster, localWorker, staticWorker, secret, shell } from 'rouse'
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
  database: secret('DB_URL'),
  workers: [staticWorker('bot', { password: 'b0t' }), localWorker('local-1')],
  builders: [
    { name: 'hello', workers: ['local-1'], steps: [shell('echo hello')] },
    { name: 'waits', workers: ['bot'], steps: [
      shell('rm -f go; echo ran >> runs; while [ ! -e go ]; do sleep 0.05; done') ] },
    { name: 'counts', workers: ['local-1'], steps: [
      shell('echo ran >> runs; n=0; while [ ! -e go ]; do n=$((n+1)); echo "line $n"; sleep 0.005; done; echo $n > total'),
      shell('seq 1 1000') ] },
  ],
})`

const urlOf = ({ password, user }: TcpPostgres, host: string, port: number, as = password) =>
  `postgres://${user}:${as}@${host}:${port}/tested`
const onEnd = (release: () => Promise<unknown>) => onTestFinished(async () => void (await release()))

test('a master on a postgres:// URL works, and after a kill the next one goes on with its builds', async () => {
  const postgres = await startTcpPostgres()
  const env = { DB_URL: urlOf(postgres, postgres.host, postgres.port) }
  const master = await startMaster({ config, whole: true, env })
  const agent = await master.agent('bot', 'b0t')
  const file = (name: string) => join(agent.baseDir, 'waits/0', name)
  expect(await master.request(await master.force('hello'))).toMatchObject({ result: 'SUCCESS' })

  // The build follows its agent, without waiting for the end of the dead master's lease.
  const first = await master.force('waits')
  await waitFor('the command', () => readFile(file('runs')))
  await master.end('SIGKILL')
  await master.start()
  await waitFor('the agent', async () => (await master.api('/workers/bot')).connected)
  await writeFile(file('go'), '')
  expect(await master.request(first)).toMatchObject({ result: 'SUCCESS', buildIds: [2] })
  expect(await readFile(file('runs'), 'utf8')).toBe('ran\n')

  // An agent that has died with its master and lost its spool cannot tell: only the end of the lease does.
  const second = await master.force('waits')
  await waitFor('the command', async () => (await readFile(file('runs'), 'utf8')) === 'ran\nran\n')
  const queued = await master.force('waits')
  await Promise.all([agent.die(), master.end('SIGKILL')])
  await rm(join(agent.baseDir, '.rouse/spool'), { recursive: true })
  await master.start()
  await master.agent('bot', 'b0t')
  await waitFor('the agent', async () => (await master.api('/workers/bot')).status === 'is idle')
  const [build] = (await master.api(`/requests/${second}`)).buildIds
  expect(await master.api(`/builds/${build}`)).toMatchObject({ state: 'running', result: null })
  expect(await master.request(await master.force('hello'))).toMatchObject({ result: 'SUCCESS' })
  await postgres.query(
    'update masters set lease_until = now() where epoch < (select max(epoch) from masters) and stopped_at is null',
  )
  // In either order: the retry backs off for a moment, in which the queued one may start.
  for (const runs of ['ran\nran\nran\n', 'ran\nran\nran\nran\n']) {
    await waitFor('the next run', async () => (await readFile(file('runs'), 'utf8')) === runs)
    await writeFile(file('go'), '')
  }
  const done = await master.request(second)
  expect(await Promise.all(done.buildIds.map((id: number) => master.api(`/builds/${id}`)))).toMatchObject([
    { attempt: 1, result: 'RETRY' },
    { attempt: 2, result: 'SUCCESS' },
  ])
  expect(await master.request(queued)).toMatchObject({ result: 'SUCCESS', buildIds: [expect.any(Number)] })

  expect(await master.end('SIGTERM')).toBe(0)
  const wrong = await finished(
    master.spawnCli(['start'], { DB_URL: urlOf(postgres, postgres.host, postgres.port, 'wr0ng-passw0rd') }),
  )
  expect(wrong.code).toBe(1)
  const said = wrong.stdout + wrong.stderr
  expect(said).toContain('ROUSE_DATABASE_FAILED')
  expect(said).toContain(`cannot connect to postgres://tester@${postgres.host}`)
  expect(said).toContain('password authentication failed')
  expect(said).not.toContain('wr0ng-passw0rd')
  expect(master.output).not.toContain(postgres.password)
})

test('when PostgreSQL is restarted or out of reach for a while, the master and its builds go on and no output is lost', async () => {
  const postgres = await startTcpPostgres()
  const proxy = await startTcpProxy(postgres.port, onEnd, postgres.host)
  const env = { DB_URL: urlOf(postgres, '127.0.0.1', proxy.port) }
  const master = await startMaster({ config, whole: true, env })
  const { pid } = master
  const file = (name: string) => join(master.dir, 'rouse-data/workers/local-1/counts/0', name)
  const request = await master.force('counts')
  await waitFor('the command', () => readFile(file('runs')))
  const growing = async () => {
    const [step] = (await master.api('/builds/1/steps')).items
    const [log] = (await master.api(`/steps/${step.id}/logs`)).items
    return log.bytes as number
  }
  for (const away of [
    () => postgres.restart('SIGINT'),
    () => postgres.restart('SIGQUIT'),
    async () => {
      proxy.cut()
      await delay(3_000)
      proxy.mend()
    },
  ]) {
    await away()
    const before = await waitFor('the log', growing)
    await waitFor('the log to grow', async () => (await growing()) > before)
  }
  await writeFile(file('go'), '')
  const done = await master.request(request)
  const [build] = await Promise.all(done.buildIds.map((id: number) => master.api(`/builds/${id}`)))
  expect(done.buildIds).toHaveLength(1)
  expect(build).toMatchObject({ attempt: 1, result: 'SUCCESS' })
  const total = Number(await readFile(file('total'), 'utf8'))
  const counted = Array.from({ length: total }, (_, i) => `line ${i + 1}\n`).join('')
  const thousand = Array.from({ length: 1000 }, (_, i) => `${i + 1}\n`).join('')
  expect((await master.logText(build.id, 'stdout')) === counted + thousand).toBe(true)
  expect(await readFile(file('runs'), 'utf8')).toBe('ran\n')
  expect(master.pid).toBe(pid)
  expect(await master.end('SIGTERM')).toBe(0)
})

test('when PostgreSQL stays away, the master ends before its lease does, and the next one goes on with its builds', async () => {
  const postgres = await startTcpPostgres()
  const proxy = await startTcpProxy(postgres.port, onEnd, postgres.host)
  const env = { DB_URL: urlOf(postgres, '127.0.0.1', proxy.port) }
  const master = await startMaster({ config, whole: true, env })
  const agent = await master.agent('bot', 'b0t')
  const file = (name: string) => join(agent.baseDir, 'waits/0', name)
  const request = await master.force('waits')
  await waitFor('the command', () => readFile(file('runs')))

  proxy.cut()
  expect(await master.ended).toBe(1)
  expect(master.output).toMatch(
    /FATAL.* stopping: the lease could not be renewed in the database before it ended\. See to the database/,
  )
  expect(master.output).toMatch(/stopped\s*$/)
  await writeFile(file('go'), '')
  proxy.mend()
  await master.start()
  expect(await master.request(request)).toMatchObject({ result: 'SUCCESS', buildIds: [1] })
  expect(await readFile(file('runs'), 'utf8')).toBe('ran\n')
})
