import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import type { EventBody } from '../../../src/model/events.ts'
import type { Result } from '../../../src/model/results.ts'
import type { ApiBuild, ApiLog, ApiRequest, ApiStep } from '../../../src/web/api.ts'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Record<string, string>
  readonly headers: IncomingMessage['headers']
  readonly body: any
}

/** The wire peer of the commands: answers the shapes of the REST API and sends events, and can be cut and come back. */
export class FakeMaster {
  readonly requests: ApiRequest[] = []
  readonly builds: ApiBuild[] = []
  readonly steps: ApiStep[] = []
  readonly logs: ApiLog[] = []
  readonly workers: object[] = []
  readonly instances: object[] = []
  readonly texts = new Map<number, Buffer>()
  /** Everything that was asked, oldest first. */
  readonly asked: Asked[] = []
  /** Answers instead of the normal answer; undefined lets it through. */
  intercept: (asked: Asked, response: ServerResponse) => boolean = () => false
  /** The next log text is cut off after so many bytes. */
  cutTextAfter: number | undefined
  port = 0
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  #events = new WebSocketServer({ noServer: true })
  #eventCount = 0

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Listens on the port it had, or a free one the first time. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.on('upgrade', (request, socket, head) => {
      const build = new URL(request.url!, this.url).searchParams.get('build')
      this.#events.handleUpgrade(request, socket, head, (client) => Object.assign(client, { build }))
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Ends as a killed process does: every connection is cut and the port is closed. */
  async die(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Cuts the event streams only. */
  cutEvents(): void {
    for (const client of this.#events.clients) client.terminate()
  }

  send(event: EventBody | { type: 'reset' }): void {
    const text = JSON.stringify({ ...event, id: `run:${++this.#eventCount}`, at: new Date().toISOString() })
    for (const client of this.#events.clients) {
      const { build } = client as unknown as { build: string | null }
      if (!('build' in event) || build === null || Number(build) === event.build) client.send(text)
    }
  }

  addRequest(more: Partial<ApiRequest> = {}): ApiRequest {
    const request: ApiRequest = {
      id: this.requests.length + 12,
      builder: 'unit',
      buildsetId: 1,
      state: 'pending',
      result: null,
      priority: 0,
      reason: 'forced',
      source,
      submittedAt: '2026-01-02T03:04:05.000Z',
      claimedAt: null,
      completedAt: null,
      supersededBy: null,
      startFailure: null,
      waitingFor: 'waits for a worker: bot is not connected',
      position: 1,
      buildIds: [],
      ...more,
    }
    this.requests.push(request)
    return request
  }

  addBuild(request: ApiRequest, more: Partial<ApiBuild> = {}): ApiBuild {
    const build: ApiBuild = {
      id: this.builds.length + 17,
      builder: request.builder,
      worker: 'bot',
      instance: null,
      requestId: request.id,
      buildsetId: 1,
      attempt: request.buildIds.length + 1,
      state: 'running',
      result: null,
      summary: null,
      reason: request.reason,
      source,
      startedAt: '2026-01-02T03:04:05.000Z',
      finishedAt: null,
      cost: null,
      properties: {},
      ...more,
    }
    this.builds.push(build)
    Object.assign(request, { state: 'claimed', waitingFor: null, position: null })
    request.buildIds.push(build.id)
    return build
  }

  addStep(build: ApiBuild, name: string): { step: ApiStep; log: ApiLog } {
    const step: ApiStep = {
      id: this.steps.length + 100,
      buildId: build.id,
      number: this.steps.filter((s) => s.buildId === build.id).length,
      name,
      state: 'running',
      result: null,
      summary: null,
      startedAt: '2026-01-02T03:04:05.000Z',
      finishedAt: null,
    }
    this.steps.push(step)
    this.send({ type: 'step.started', build: build.id, step: step.id, number: step.number, name })
    return { step, log: this.addLog(step, 'stdio') }
  }

  addLog(step: ApiStep, name: string): ApiLog {
    const log: ApiLog = {
      id: this.logs.length + 500,
      stepId: step.id,
      name,
      bytes: 0,
      lines: 0,
      finished: false,
    }
    this.logs.push(log)
    this.texts.set(log.id, Buffer.alloc(0))
    this.send({ type: 'log.created', build: step.buildId, step: step.id, log: log.id, name })
    return log
  }

  grow(log: ApiLog, bytes: string | Uint8Array): void {
    const text = Buffer.concat([this.texts.get(log.id)!, Buffer.from(bytes as string)])
    this.texts.set(log.id, text)
    log.bytes = text.length
    const build = this.steps.find((s) => s.id === log.stepId)!.buildId
    this.send({ type: 'log.grew', build, log: log.id, bytes: log.bytes, lines: log.lines })
  }

  finishStep(step: ApiStep, result: Result, summary: string | null = null): void {
    for (const log of this.logs.filter((l) => l.stepId === step.id)) log.finished = true
    Object.assign(step, { state: 'finished', result, summary, finishedAt: '2026-01-02T03:04:08.000Z' })
    const { id, buildId: build, number, name } = step
    this.send({ type: 'step.finished', build, step: id, number, name, result })
  }

  /** Ends the build and, unless it is tried again, its request. */
  finishBuild(build: ApiBuild, result: Result): void {
    Object.assign(build, { state: 'finished', result, finishedAt: '2026-01-02T03:04:09.000Z' })
    const request = this.requests.find((r) => r.id === build.requestId)!
    if (result === 'RETRY')
      Object.assign(request, { state: 'pending', waitingFor: 'waits for another worker', position: 1 })
    else Object.assign(request, { state: 'complete', result, completedAt: build.finishedAt })
    const { id, builder, worker } = build
    this.send({ type: 'build.finished', build: id, request: request.id, builder, worker, result })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.url)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const asked: Asked = {
      method: request.method!,
      path: url.pathname.replace(/^\/api\/v1/, ''),
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    this.asked.push(asked)
    if (!this.intercept(asked, response)) this.#route(asked, response)
  }

  #route(asked: Asked, response: ServerResponse): void {
    const [, room, id, verb] = asked.path.split('/')
    const number = Number(id)
    if (asked.method === 'POST') return this.#post(asked, response)
    if (room === 'requests' && !id) return list(this.#filtered(this.requests, asked), asked, response)
    if (room === 'builds' && !id) return list(this.#filtered(this.builds, asked), asked, response)
    if (room === 'workers') return list(this.workers, asked, response)
    if (room === 'instances') return list(this.instances, asked, response)
    if (room === 'requests')
      return one(
        this.requests.find((r) => r.id === number),
        response,
      )
    if (room === 'builds' && verb === 'steps')
      return json(response, 200, { items: this.steps.filter((s) => s.buildId === number), next: null })
    if (room === 'builds')
      return one(
        this.builds.find((b) => b.id === number),
        response,
        'ROUSE_BUILD_UNKNOWN',
      )
    if (room === 'steps')
      return json(response, 200, { items: this.logs.filter((l) => l.stepId === number), next: null })
    if (room === 'logs') return this.#text(number, asked, response)
    one(undefined, response)
  }

  #post({ path, body }: Asked, response: ServerResponse): void {
    const [, room, id, verb] = path.split('/')
    const items: { id: number }[] = room === 'builds' ? this.builds : this.requests
    if (verb === 'cancel')
      return one(
        items.find((item) => item.id === Number(id)),
        response,
      )
    if ((room === 'builders' && verb === 'force') || verb === 'rebuild') {
      const { id } = this.addRequest({ reason: body.reason ?? 'forced' })
      return json(response, 201, { buildsetId: 1, requestIds: [id] })
    }
    one(undefined, response)
  }

  #filtered<T extends { id: number; state: string; builder: string }>(items: T[], { query }: Asked): T[] {
    return items
      .filter((item) => query.state === undefined || item.state === query.state)
      .filter((item) => query.builder === undefined || item.builder === query.builder)
      .toSorted((a, b) => b.id - a.id)
  }

  #text(id: number, { headers }: Asked, response: ServerResponse): void {
    const text = this.texts.get(id)
    if (!text) return one(undefined, response)
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? NaN)
    if (from >= text.length)
      return json(response, 416, { code: 'ROUSE_RANGE_INVALID', message: 'no', advice: '' })
    const part = text.subarray(from)
    response.writeHead(206, {
      'content-length': part.length,
      'content-range': `bytes ${from}-${text.length - 1}/${text.length}`,
    })
    const cut = this.cutTextAfter
    this.cutTextAfter = undefined
    if (cut === undefined || cut >= part.length) return void response.end(part)
    response.write(part.subarray(0, cut), () => response.destroy())
  }
}

/** A master that listens, and dies with the test. */
export async function fakeMaster(): Promise<FakeMaster> {
  const master = new FakeMaster()
  await master.listen()
  onTestFinished(() => master.die())
  return master
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function one(found: unknown, response: ServerResponse, code = 'ROUSE_NOT_FOUND'): void {
  if (found) return json(response, 200, found)
  json(response, 404, { code, message: 'there is no such thing', advice: 'Look elsewhere.' })
}

function list(items: readonly object[], { query }: Asked, response: ServerResponse): void {
  const from = Number(query.cursor ?? 0)
  const end = from + Number(query.limit ?? 100)
  json(response, 200, { items: items.slice(from, end), next: end < items.length ? String(end) : null })
}

const source = { repository: 'https://git.example/app.git', branch: 'main', revision: null }
