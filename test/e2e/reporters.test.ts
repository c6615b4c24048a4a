import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fakeService } from '../reporters/fake-service.ts'
import { startMaster } from '../helpers/run-master.ts'
import { runBuild } from '../helpers/run-build.ts'
import { waitFor } from '../helpers/wait-for.ts'

const config = `
const { defineMaster, githubStatus, localWorker, reporter, secret, setProperty, shell, slackMessages, webhook } = rouse
const workers = ['local-1']
const url = process.env.SERVICE_URL
const { appendFileSync } = await import('node:fs')
export default defineMaster({
  title: 'Acme builds',
  listen,
  workers: [localWorker('local-1')],
  builders: [
    { name: 'unit', workers, steps: [setProperty('got_revision', 'a'.repeat(40)), shell('exit 1', { name: 'tests' })] },
    { name: 'other', workers, steps: [shell('true')] },
  ],
  reporters: [
    githubStatus({ token: secret('TOKEN'), baseUrl: url, builders: ['unit'], repository: 'acme/app' }),
    webhook({ url: url + '/hook', secret: secret('TOKEN'), builders: ['unit'] }),
    slackMessages({ url: secret('SLACK_URL'), mode: 'all', builders: ['other'] }),
    reporter({ name: 'own', events: ['build.finished'], report: async ({ build, result }, { facts }) => {
      const { request } = await facts.build(build)
      appendFileSync(process.env.OWN_FILE, request.builder + ' ' + result + '\\n')
    } }),
  ],
})`

test('what happens to builds is told to everybody in the config', async () => {
  let hasFailed = false
  const service = await fakeService(({ path }, response) => {
    const isFirst = path === '/hook' && !hasFailed
    hasFailed ||= isFirst
    response.writeHead(isFirst ? 500 : 201).end()
  })
  const env = {
    SERVICE_URL: service.url,
    TOKEN: 't0ken-of-the-test',
    SLACK_URL: `${service.url}/services/T0/B0/slack`,
  }
  const master = await startMaster({ config, env: { ...env, OWN_FILE: 'told.txt' } })
  expect((await runBuild(master, 'unit')).result).toBe('FAILURE')
  expect((await runBuild(master, 'other')).result).toBe('SUCCESS')

  const told = (path: string) => service.received.filter((request) => request.path.startsWith(path))
  const path = `/api/v3/repos/acme/app/statuses/${'a'.repeat(40)}`
  const states = () => told(path).map(({ body }) => (JSON.parse(body) as { state: string }).state)
  await waitFor('the last status', () => states().at(-1) === 'failure')
  expect(states()).not.toContain('success')
  const events = [
    'request.submitted',
    'build.started',
    'build.finished',
    'request.completed',
    'buildset.completed',
  ]
  await waitFor(
    'all events',
    () => {
      const arrived = new Set(
        told('/hook')
          .slice(1)
          .map(({ headers }) => headers['x-rouse-event']),
      )
      return events.every((event) => arrived.has(event))
    },
    // The one that failed is tried again after some 10 seconds.
    { timeout: 80_000 },
  )
  const message = await waitFor('a message', () => told('/services/')[0])
  expect(JSON.parse(message.body)).toMatchObject({ attachments: [{ title: 'Build 2 of other' }] })
  await waitFor('both builds in the file', async () => {
    const lines = (await readFile(join(master.dir, 'told.txt'), 'utf8')).trim().split('\n')
    return lines.toSorted().join() === 'other SUCCESS,unit FAILURE'
  })
})
