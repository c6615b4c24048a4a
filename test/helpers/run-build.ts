import type { ApiBuild, ApiLog, ApiLogLines, ApiStep } from '../../src/web/api.ts'
import type { MasterProcess } from './master-process.ts'
import { waitFor } from './wait-for.ts'

export interface EndedBuild extends ApiBuild {
  readonly steps: readonly ApiStep[]
  /** 'NAME RESULT' of each step. */
  readonly results: readonly string[]
  /** What all logs say. */
  readonly text: string
}

/** Forces a builder and waits for the end of its last build. */
export async function runBuild(
  master: MasterProcess,
  builder: string,
  body: object = {},
): Promise<EndedBuild> {
  return endOf(master, await master.force(builder, body))
}

/** Waits for the end of a request, and of its last build. */
export async function endOf(master: MasterProcess, request: number, timeout?: number): Promise<EndedBuild> {
  const { buildIds } = await master.request(request, timeout)
  return readBuild(master, buildIds.at(-1))
}

export async function readBuild(master: MasterProcess, id: number): Promise<EndedBuild> {
  const build = await master.api<ApiBuild>(`/builds/${id}`)
  const { items } = await master.api<{ items: ApiStep[] }>(`/builds/${id}/steps`)
  const steps = items.toSorted((a, b) => a.number - b.number)
  const results = steps.map((step) => `${step.name} ${step.result}`)
  return { ...build, steps, results, text: await master.logText(id) }
}

/** Forces a builder and waits until its build runs; the build's id and the request's. */
export async function startBuild(
  master: MasterProcess,
  builder: string,
  body: object = {},
): Promise<{ build: number; request: number }> {
  const request = await master.force(builder, body)
  const build = await waitFor(
    `a build of ${builder}`,
    async () => (await master.api(`/requests/${request}`)).buildIds[0] as number | undefined,
  )
  return { build, request }
}

/** The logs of one step, oldest first; the first step unless told otherwise. */
export async function logsOf(master: MasterProcess, build: number, step = 1): Promise<ApiLog[]> {
  const { items } = await master.api<{ items: ApiStep[] }>(`/builds/${build}/steps`)
  const { id } = items.find(({ number }) => number === step)!
  const logs = await master.api<{ items: ApiLog[] }>(`/steps/${id}/logs`)
  return logs.items.toSorted((a, b) => a.id - b.id)
}

/** The lines of a log with their streams. */
export async function linesOf(master: MasterProcess, log: number): Promise<ApiLogLines['lines']> {
  return (await master.api<ApiLogLines>(`/logs/${log}/text?format=json`)).lines
}

/** A log's bytes as they are, of all streams or only of some. */
export async function bytesOf(master: MasterProcess, log: number, streams?: string): Promise<Buffer> {
  const query = streams === undefined ? '' : `?streams=${streams}`
  const answer = await fetch(`${master.url}/api/v1/logs/${log}/text${query}`)
  if (!answer.ok) throw new Error(`log ${log}: ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}
