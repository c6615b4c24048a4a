import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { MasterProcess } from '../helpers/master-process.ts'
import { findLeaks } from '../helpers/find-leaks.ts'
import { buildsAtOnce, password, token, type Job, type Tortured } from './torture.ts'

/** Every promise that was broken, in sentences; empty when all held. */
export async function verdict({ agents, harm, heard, jobs, master, trace }: Tortured): Promise<string[]> {
  const broken: string[] = []
  const begun = count(trace.filter((line) => line.startsWith('begin ')))
  const ended = count(trace.filter((line) => line.startsWith('end ')))
  for (const [line, times] of [...begun, ...ended]) {
    if (times > 1) broken.push(`a command ran ${times} times: ${line}`)
  }
  let retries = 0
  for (const job of jobs) {
    const judged = await judge(master, job, begun, ended)
    broken.push(...judged.broken)
    retries += judged.retries
  }
  // Only a build whose commands were killed with their agent is built again.
  const most = (harm.killAgent ?? 0) * buildsAtOnce
  if (retries > most) broken.push(`${retries} builds were lost, by agents that were killed at most ${most}`)
  broken.push(...(await misheard(master, jobs, heard)))
  for (const worker of (await master.api('/workers')).items as { name: string; runningBuilds: number[] }[]) {
    if (worker.runningBuilds.length > 0) broken.push(`${worker.name} still holds a place`)
  }
  for (const agent of agents) broken.push(...(await leftBehind(agent.baseDir)))
  const folders = agents.map(({ baseDir }) => baseDir)
  for (const where of await findLeaks(master, folders, [password, token]))
    broken.push(`a secret stands in ${where}`)
  return broken
}

async function judge(
  master: MasterProcess,
  { exitCode, lines, n, request }: Job,
  begun: ReadonlyMap<string, number>,
  ended: ReadonlyMap<string, number>,
): Promise<{ broken: string[]; retries: number }> {
  const broken: string[] = []
  const { buildIds, result } = await master.api<{ buildIds: number[]; result: string }>(
    `/requests/${request}`,
  )
  const expected = exitCode === 0 ? 'SUCCESS' : 'FAILURE'
  if (result !== expected)
    broken.push(`job ${n} (r${request}) ended ${result}, its command ended ${expected}`)
  const builds = await Promise.all(
    buildIds.map((id) => master.api<{ id: number; result: string | null }>(`/builds/${id}`)),
  )
  const final = builds.filter((build) => build.result !== 'RETRY')
  const retries = builds.length - final.length
  if (final.length !== 1) return { broken: [...broken, `job ${n} has ${final.length} final builds`], retries }
  const { id } = final[0]!
  if (begun.get(`begin ${n} ${id}`) !== 1)
    broken.push(`build ${id} of job ${n} did not begin its command exactly once`)
  if (ended.get(`end ${n} ${id} ${exitCode}`) !== 1)
    broken.push(`build ${id} of job ${n} did not end its command exactly once`)
  const text = await master.logText(id, 'stdout,stderr')
  const right = `token ***\n${Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join('')}`
  if (text !== right)
    broken.push(`the log of build ${id} (job ${n}) is not what its command wrote: ${difference(text, right)}`)
  return { broken, retries }
}

/** Each result is told once, whatever became of the master and of who was told. */
async function misheard(
  master: MasterProcess,
  jobs: readonly Job[],
  heard: Tortured['heard'],
): Promise<string[]> {
  const broken: string[] = []
  for (const { request } of jobs) {
    const told = heard.filter((one) => one.request === request)
    const { result } = await master.api<{ result: string }>(`/requests/${request}`)
    if (told.length !== 1 || told[0]!.result !== result)
      broken.push(`r${request} ended ${result}, and was told ${told.length} times: ${JSON.stringify(told)}`)
  }
  const { items } = await master.api<{ items: { id: number; state: string }[] }>('/notices?limit=1000')
  for (const { id, state } of items) if (state !== 'sent') broken.push(`notice ${id} is ${state}`)
  return broken
}

/** What an agent keeps of commands that the master has long forgotten. */
async function leftBehind(baseDir: string): Promise<string[]> {
  const own = join(baseDir, '.rouse')
  const broken: string[] = []
  for (const folder of ['commands', 'spool']) {
    const kept = await readdir(join(own, folder)).catch(() => [])
    if (kept.length > 0)
      broken.push(`${kept.length} left in ${join(own, folder)}: ${kept.slice(0, 3).join(', ')}`)
  }
  return broken
}

function difference(text: string, right: string): string {
  let at = 0
  while (at < text.length && text[at] === right[at]) at++
  return `${text.length} of ${right.length} characters, other from ${at} on: ${JSON.stringify(text.slice(Math.max(0, at - 20), at + 40))}`
}

function count(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
