import { setTimeout as delay } from 'node:timers/promises'
import type { InstanceSpec } from '../../src/latent/backend.ts'
import { agentPort } from './domain-xml.ts'
import type { Lanes, LaneCallOptions } from './lanes.ts'
import { element, elementAt, elementsOf, parseXml, xmlText } from './xml.ts'

/** Takes a snapshot with memory of a machine whose agent waits for a token. Done once; to do it again changes nothing. */
export async function takePristine(lanes: Lanes, domain: string, o: LaneCallOptions): Promise<void> {
  // Whoever took one had heard the agent.
  if (await lanes.call('hasSnapshot', [domain, snapshotName], o)) return
  await untilReady(lanes, domain, o)
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
  do {
    const say = JSON.stringify({ time: Date.now(), generation, token })
    if (await converse(lanes, id, { say, awaited: `taken ${generation}` }, o)) return
    // Its answer may have come when nobody listened any more. It has left the port then, and proves by its login what it was given.
  } while (isListening(await lanes.call('domainXml', [id, 'live'], o)))
}

async function untilReady(lanes: Lanes, domain: string, o: LaneCallOptions): Promise<void> {
  do await untilListening(lanes, domain, o)
  while (!(await converse(lanes, domain, { say: undefined, awaited: 'ready' }, o)))
}

/**
 * Whether the awaited line came. A program that has the port open and says nothing is not waited for long: each conversation takes one of a
 * few processes, which others need.
 */
async function converse(
  lanes: Lanes,
  domain: string,
  { awaited, say }: { say: string | undefined; awaited: string },
  o: LaneCallOptions,
): Promise<boolean> {
  const enough = AbortSignal.timeout(listenMs)
  const signal = AbortSignal.any([o.signal, enough])
  try {
    await lanes.call('converse', [domain, agentPort, say, awaited], { ...o, signal })
    return true
  } catch (error) {
    if (o.signal.aborted || !enough.aborted) throw error
    return false
  }
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
/** An agent says every second that it is ready, and answers at once. */
const listenMs = 15_000
