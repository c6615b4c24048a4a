import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { secret } from '../../../src/model/secret.ts'
import { webhook } from '../../../src/reporters/webhook/webhook.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { rejectionOf } from '../rejection-of.ts'
import { asMessage, endedBuild, factsOf, sendTools, site } from '../sample-facts.ts'

test('the receiver in the documents takes what is ours, once, and refuses the rest', async () => {
  const { end, url } = await startReceiver({ HOOK_SECRET: 'a key that both know' })
  const description = webhook({ url, secret: secret('KEY') })
  const reporter = description.open(description.options, 'webhook')
  const facts = factsOf({ builds: [endedBuild('FAILURE')] })
  const [draft] = await reporter.compose(
    { type: 'request.completed', request: 12, result: 'FAILURE' },
    { facts, site, signal: new AbortController().signal },
  )
  const message = asMessage(draft!)

  await reporter.send(message, sendTools({ KEY: 'a key that both know' }))
  await reporter.send({ ...message, attempt: 2 }, sendTools({ KEY: 'a key that both know' }))
  expect(await rejectionOf(reporter.send(message, sendTools({ KEY: 'another key' })))).toMatchObject({
    worth: 'never',
  })
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401)
  const forged = { 'x-rouse-timestamp': '1', 'x-rouse-signature-256': `sha256=${'ü'.repeat(64)}` }
  expect((await fetch(url, { method: 'POST', body: '{}', headers: forged })).status).toBe(401)
  expect((await end()).trim().split('\n').slice(1)).toEqual(['unit: build 17 failed after 3 m 2 s'])
})

/** The first JavaScript of the page, as a process of its own on a free port. */
async function startReceiver(env: Record<string, string>) {
  const page = await readFile(new URL('../../../docs/hear-about-it.md', import.meta.url), 'utf8')
  const [, code] = /```js\n(.*?)```/s.exec(page) ?? []
  const folder = await mkdtemp(join(tmpdir(), 'rouse-receiver-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'receiver.mjs')
  await writeFile(file, code!)
  const child = spawn(process.execPath, [file], {
    env: { ...env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let printed = ''
  child.stdout.on('data', (text: Buffer) => (printed += text.toString()))
  /** Resolves with all that it has printed. */
  const end = async () => {
    child.kill()
    await closed
    return printed
  }
  onTestFinished(async () => void (await end()))
  const [, port] = await waitFor('the receiver to listen', () => /listening on (\d+)/.exec(printed))
  return { url: `http://127.0.0.1:${port}/`, end }
}
