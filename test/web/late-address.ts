/**
 * Run in a network namespace of its own: listens for agents on an address that the machine gets only when the log has
 * said that it is missing, and prints what /health answers there.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import pino from 'pino'
import { AgentsListener } from '../../src/web/agents-listener.ts'
import { makeApp } from '../../src/web/make-app.ts'
import type { WebServices } from '../../src/web/services.ts'
import { ask } from './ask.ts'

const host = '10.77.0.1'
execFileSync('ip', ['link', 'set', 'lo', 'up'])
const log = pino({}, { write: react })
const added = new EventTarget()

// Nothing of this is asked for: /agent refuses what is no upgrade before it needs the fleet.
const services = { log, title: 'late', url: undefined } as unknown as WebServices
const app = await makeApp(services, { agents: true, page: undefined, maxRequestBytes: 1000 })
const listener = new AgentsListener(app, { host, port: 0 }, log)
const listening = once(added, 'listening')
await listener.open()
console.log('listens at first:', listener.url !== undefined)
await listening
console.log('status:', (await ask(`${listener.url}/agent`)).status)
await listener.close()

function react(line: string): void {
  const { msg } = JSON.parse(line) as { msg: string }
  if (msg.includes('trying again')) {
    execFileSync('ip', ['address', 'add', `${host}/32`, 'dev', 'lo'])
  }
  if (msg === 'agents can connect here') added.dispatchEvent(new Event('listening'))
}
