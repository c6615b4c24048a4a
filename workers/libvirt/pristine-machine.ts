import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import { agentPort } from './domain-xml.ts'
import type { Lanes, LaneCallOptions } from './lanes.ts'
import { element, elementAt, elementsOf, parseXml, xmlText } from './xml.ts'

/** Takes a snapshot with memory of a machine whose agent waits for a token. Done once; to do it again changes nothing. */
export async function takePristine(lanes: Lanes, domain: string, o: LaneCallOptions): Promise<void> {
  // Whoever took one had heard the agent.
  if (await lanes.call('hasSnapshot', [domain, snapshotName], o)) return
  await untilListening(lanes, domain, o)
  await lanes.call('converse', [domain, agentPort, undefined, 'ready'], o)
  const xml = element('domainsnapshot', {}, [
    element('name', {}, [snapshotName]),
    element('memory', { snapshot: 'internal' }),
  ])
  await lanes.call('takeSnapshot', [domain, xmlText(xml)], o)
}

/** Takes the machine back to that snapshot, and hands it the token of its new generation. */
export async function revertToPristine(
  lanes: Lanes,
  { generation, id, token }: InstanceSpec<unknown>,
  o: LaneCallOptions,
): Promise<void> {
  await lanes.call('revertDomain', [id, snapshotName], o)
  await untilListening(lanes, id, o)
  const line = JSON.stringify({ time: Date.now(), generation, token })
  await lanes.call('converse', [id, agentPort, line, `taken ${generation}`], o)
}

/** Until a program in the machine has opened the port: what is said before is lost. */
async function untilListening(lanes: Lanes, domain: string, o: LaneCallOptions): Promise<void> {
  while (!isListening(await lanes.call('domainXml', [domain, 'live'], o)))
    await delay(pollMs, undefined, { signal: o.signal })
}

function isListening(xml: string): boolean {
  const devices = parseXml(xml).map((domain) => elementAt(domain, 'devices'))[0]
  return elementsOf(devices ?? element('devices'), 'channel').some((channel) => {
    const { name, state } = elementAt(channel, 'target')?.attributes ?? {}
    return name === agentPort && state === 'connected'
  })
}

const snapshotName = 'rouse-pristine'
const pollMs = 200
