import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, httpRequest, localWorker, setProperty, shell, step, trigger } = rouse
const workers = ['local-1']
export default defineMaster({
  listen,
  workers: [localWorker('local-1', { maxBuilds: 10 })],
  builders: [
    { name: 'parent', workers, steps: [
      setProperty('got_revision', 'abc123'),
      trigger({ builders: ['good', 'odd'], waitForFinish: true, properties: { from: (p) => p.get('buildername') }, warnOnWarnings: false }),
      trigger({ builders: ['good', 'bad'], waitForFinish: true, haltOnFailure: false }),
      trigger({ builders: ['good'], priority: 7, updateSourceStamp: false, name: 'fire' }) ] },
    { name: 'good', workers, steps: [shell((p) => 'echo "from ' + p.get('from', '') + ' ' + p.get('revision') + '"')] },
    { name: 'odd', workers, steps: [step('odd', async () => 'WARNINGS')] },
    { name: 'bad', workers, steps: [shell('exit 1')] },
    { name: 'patient', workers, steps: [trigger({ builders: ['slow'], waitForFinish: true })] },
    { name: 'slow', workers, steps: [shell('sleep 600')] },
    { name: 'asks', workers, steps: [
      httpRequest((p) => p.get('url') + '/ok?token=s3cret', { method: 'POST', json: { build: (p) => p.get('buildid') }, headers: { 'x-mine': 'yes' } }),
      httpRequest((p) => p.get('url') + '/teapot', { haltOnFailure: false, name: 'teapot' }),
      httpRequest((p) => p.get('url') + '/silent', { haltOnFailure: false, timeout: 0.3, name: 'silent' }),
      httpRequest('http://127.0.0.1:1/', { haltOnFailure: false }),
      httpRequest('file:///etc/passwd', { haltOnFailure: false, name: 'file' }),
      step('twice', async (context) => {
        const url = String(context.properties.get('url'))
        const [a, b] = await Promise.all([context.httpRequest({ url: url + '/a', key: 'a' }), context.httpRequest({ url: url + '/large', key: 'b' })])
        return { result: 'SUCCESS', summary: a.status + ' ' + b.body.length + ' ' + b.cut }
      }) ] },
  ],
})`

test(
  'builds trigger others, wait for them, take their results, and cancel them',
  { timeout: 90_000 },
  async () => {
    const master = await startMaster({ config })
    const parent = await master.request(await master.force('parent', { branch: 'main', priority: 3 }))
    expect(parent.result).toBe('FAILURE')
    const build = parent.buildIds[0]
    const steps = (await master.api(`/builds/${build}/steps`)).items
    expect(steps.slice(1).map((s: any) => [s.name, s.result, s.summary])).toEqual([
      ['trigger good,odd', 'WARNINGS', '1 success, 1 warnings'],
      ['trigger good,bad', 'FAILURE', '1 success, 1 failure'],
      ['fire', 'SUCCESS', expect.stringMatching(/^r\d+$/)],
    ])
    const all = (await master.api('/requests?builder=good')).items
    expect(all.map((r: any) => [r.priority, r.source.revision, r.source.branch])).toEqual([
      [7, null, 'main'],
      [3, 'abc123', 'main'],
      [3, 'abc123', 'main'],
    ])
    const first = await master.request(all[2].id)
    expect(await master.logText(first.buildIds[0])).toContain('from parent abc123\n')
    expect(await master.logText(build)).toContain(`r${first.id} good: SUCCESS\n`)

    const patient = await master.force('patient')
    const child = await waitFor('the child to run', async () =>
      (await master.api('/requests?builder=slow')).items.find((r: any) => r.buildIds.length > 0),
    )
    await master.api(`/requests/${patient}/cancel`, { method: 'POST', json: { reason: 'enough' } })
    expect(await master.request(patient)).toMatchObject({ result: 'CANCELLED' })
    expect(await master.request(child.id)).toMatchObject({ result: 'CANCELLED' })
    expect(await master.api(`/builds/${child.buildIds[0]}`)).toMatchObject({
      summary: expect.stringMatching(/which waits for it, was cancelled: enough$/),
    })
  },
)

test(
  'a step asks a web server, with a deadline, a bounded answer and a key of its own',
  { timeout: 60_000 },
  async () => {
    const asked: { url: string; method: string; headers: IncomingHttpHeaders; body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (data) => (body += String(data)))
      request.on('end', () => {
        asked.push({ url: request.url!, method: request.method!, headers: request.headers, body })
        if (request.url === '/silent') return
        if (request.url === '/large') return void response.end(Buffer.alloc(3_000_000, 'x'))
        response.statusCode = request.url === '/teapot' ? 418 : 200
        response.end('hello')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const master = await startMaster({ config })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const request = await master.request(await master.force('asks', { properties: { url } }))
    const build = request.buildIds[0]
    const steps = (await master.api(`/builds/${build}/steps`)).items
    expect(steps.map((s: any) => [s.result, s.summary])).toEqual([
      ['SUCCESS', 'status 200'],
      ['FAILURE', 'status 418'],
      ['FAILURE', 'no whole answer within 0.3 s'],
      ['FAILURE', expect.stringMatching(/ECONNREFUSED|bad port/)],
      ['FAILURE', 'the URL must begin with http:// or https://'],
      ['SUCCESS', '200 1048576 true'],
    ])
    expect(asked[0]).toMatchObject({ method: 'POST', body: `{"build":${build}}` })
    expect(asked[0]!.headers).toMatchObject({ 'x-mine': 'yes', 'content-type': 'application/json' })
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(asked.length)
    const text = await master.logText(build)
    expect(text).toContain('hello\n')
    expect(text).not.toContain('s3cret')
  },
)
