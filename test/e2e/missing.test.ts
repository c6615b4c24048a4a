import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { freePort } from '../helpers/free-port.ts'
import type { MasterProcess } from '../helpers/master-process.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { startMailServer } from '../reporters/mail/mail-server.ts'

const source = await readFile(new URL('./missing.config.ts', import.meta.url), 'utf8')

/** Its agent has that many seconds to come at first, too: long enough for a slow machine. */
function start(port: number, timeout = 8): Promise<MasterProcess> {
  const env = { SMTP_PORT: String(port), MISSING_TIMEOUT: String(timeout) }
  return startMaster({ config: source, whole: true, env })
}

const isConnected = async (master: MasterProcess) => (await master.api('/workers/bot')).connected
const connected = (master: MasterProcess) => waitFor('the agent', () => isConnected(master))
const away = (master: MasterProcess) => waitFor('the loss', async () => !(await isConnected(master)))
const noticesOf = async (master: MasterProcess): Promise<any[]> => (await master.api('/notices')).items
const sent = (master: MasterProcess, count = 1) =>
  waitFor(
    `${count} sent`,
    async () => (await noticesOf(master)).filter(({ state }) => state === 'sent').length === count,
  )

describe('when an agent is killed', { timeout: 120_000 }, () => {
  test('everybody named gets one mail, after missingTimeout and not before, and one more when it is back', async () => {
    const relay = await startMailServer()
    const master = await start(relay.port)
    const agent = await master.agent('bot', 'b0t')
    await connected(master)
    const slow = await master.force('slow')
    await waitFor('the build', () => stat(join(agent.baseDir, 'slow/0/begun')))
    const waiting = await master.force('slow')
    await agent.die()
    await away(master)
    const { lastSeenAt } = await master.api('/workers/bot')

    await waitFor('the mail', () => relay.mails.length > 0)
    await sent(master)
    const [mail] = relay.mails
    const [notice] = await noticesOf(master)
    expect(Date.parse(notice.createdAt) - Date.parse(lastSeenAt)).toBeGreaterThanOrEqual(8000)
    expect(mail!.recipients).toEqual(['bob@acme.example', 'alice@acme.example'])
    const build = (await master.api(`/requests/${slow}`)).buildIds[0]
    for (const words of [
      'bot',
      '127.0.0.1',
      `${master.url}/#/workers/bot`,
      `#/builds/${build}`,
      `r${waiting}`,
    ])
      expect(mail!.raw.replaceAll('=\r\n', '').replaceAll('=3D', '=')).toContain(words)
    expect(await master.api('/workers/bot')).toMatchObject({ missingSince: expect.any(String) })
    expect((await master.api('/troubles')).items).toMatchObject([{ kind: 'worker', name: 'bot' }])

    await master.agent('bot', 'b0t', { baseDir: agent.baseDir })
    await connected(master)
    await sent(master, 2)
    expect(relay.mails).toHaveLength(2)
    expect((await master.api('/troubles')).items).toEqual([])
    const { stdout } = await master.cli('notices')
    expect(stdout.split('\n').filter((line) => line.includes('sent'))).toHaveLength(2)
  })

  test('nobody gets one when it is back in time', async () => {
    const relay = await startMailServer()
    const master = await start(relay.port, 20)
    const agent = await master.agent('bot', 'b0t')
    await connected(master)
    await agent.die()
    await away(master)
    const lost = Date.now()
    await master.agent('bot', 'b0t', { baseDir: agent.baseDir })
    await connected(master)
    await waitFor('the deadline to be over', () => Date.now() > lost + 23_000)
    expect(await noticesOf(master)).toEqual([])
  })

  test('and the master too, once while it waits and once while it sends, there is still one mail', async () => {
    let held = true
    const relay = await startMailServer({
      // It takes the mail and says nothing while the first master lives.
      onMailFrom: (_address, _session, done) => (held ? undefined : done()),
    })
    const master = await start(relay.port, 10)
    const agent = await master.agent('bot', 'b0t')
    await connected(master)
    await agent.die()
    await away(master)
    await master.end('SIGKILL')
    await master.start()
    expect(await noticesOf(master)).toEqual([])
    await waitFor('the attempt', async () => (await noticesOf(master))[0]?.attempts === 1)
    await waitFor('the relay', () => relay.open() > 0)
    await master.end('SIGKILL')
    held = false
    await master.start()
    const { id } = (await noticesOf(master))[0]
    await waitFor(
      'the mail',
      async () => {
        await master.api(`/notices/${id}/retry`, { method: 'POST', json: {} })
        return relay.mails.length > 0
      },
      { timeout: 110_000, interval: 1000 },
    )
    await sent(master)
    await master.end('SIGKILL')
    await master.start()
    await waitFor('another look', async () => (await master.api('/ready')).status === 'ok')
    expect(await noticesOf(master)).toHaveLength(1)
    expect(relay.mails).toHaveLength(1)
  })
})

describe('when the relay', { timeout: 120_000 }, () => {
  test('is down the mail arrives once it is back, its error is seen meanwhile, and builds go on', async () => {
    const port = await freePort()
    const master = await start(port, 1)
    const failed = await waitFor('the failure', async () =>
      (await noticesOf(master)).find((one) => one.error),
    )
    expect(failed).toMatchObject({ state: 'waiting', attempts: 1, reporter: 'mail', event: 'worker.missing' })
    expect(failed.error).toContain('127.0.0.1')
    expect(failed.advice).not.toBeNull()
    expect(await master.request(await master.force('quick'))).toMatchObject({ result: 'SUCCESS' })
    const relay = await startMailServer({ port })
    await master.cli('notices', 'retry', String(failed.id))
    await sent(master)
    expect(relay.mails).toHaveLength(1)
  })

  test('drops the connection after it has the mail, every try has the same Message-ID', async () => {
    let drops = 1
    const relay = await startMailServer({ answer: () => (drops-- > 0 ? 'drop' : undefined) })
    const master = await start(relay.port, 1)
    const failed = await waitFor('the failure', async () =>
      (await noticesOf(master)).find((one) => one.error),
    )
    await master.cli('notices', 'retry', String(failed.id))
    await sent(master)
    expect(relay.mails).toHaveLength(2)
    const ids = relay.mails.map(({ raw }) => /^Message-ID:\s+(<\S+>)/im.exec(raw)?.[1])
    expect(ids[0]).toMatch(/^<.+@.+>$/)
    expect(ids[1]).toBe(ids[0])
  })
})
