import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { streams as allStreams, type Stream } from '../../protocol/runs.ts'
import { LogLinesSchema, type ApiLog } from '../api.ts'
import type { App } from '../app.ts'
import { parseRange } from '../byte-range.ts'
import { IdParams } from '../ids.ts'
import { readLines } from '../log-lines.ts'
import { readPieces, takeLines, textOf, type LogPiece } from '../../builds/log-pieces.ts'
import { seekLine } from '../../builds/log-chunks.ts'
import { findLog } from '../queries/logs.ts'
import type { WebServices } from '../services.ts'

const streamName = `(${allStreams.join('|')})`
const TextQuery = Type.Object(
  {
    firstLine: Type.Optional(
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Lines count from 0.' }),
    ),
    lines: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
    streams: Type.Optional(
      Type.String({
        pattern: `^${streamName}(,${streamName}){0,2}$`,
        description: 'Only these: stdout,stderr',
      }),
    ),
    format: Type.Optional(Type.Enum(['text', 'json'])),
  },
  { additionalProperties: false },
)
type TextQuery = Static<typeof TextQuery>

/** Lines of one JSON answer. Text has no such bound, it is streamed. */
const defaultLines = 1_000
const maxLines = 10_000

export function logRoutes(app: App, { db }: WebServices): void {
  app.get(
    '/logs/:id/text',
    {
      schema: {
        summary: "A log's text",
        description:
          'Raw bytes, whole, by Range, or by lines. With format=json: lines with their streams, 1000 unless `lines` says ' +
          'otherwise, 10,000 at most.',
        params: IdParams,
        querystring: TextQuery,
        response: {
          200: {
            content: {
              'text/plain': { schema: Type.String() },
              'application/json': { schema: LogLinesSchema },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const log = await findLog(db, request.params.id)
      if (!log) throw new RouseError('ROUSE_LOG_UNKNOWN', `there is no log ${request.params.id}`)
      const { query } = request
      if (query.format === 'json') return reply.send(await linesAsJson(log, query))
      // Whatever a build has printed, a browser shows it as text and runs nothing.
      reply.header('content-security-policy', "default-src 'none'; sandbox").type('text/plain; charset=utf-8')
      return sendText(log, query, request.headers.range, reply, request.method === 'HEAD')
    },
  )

  async function linesAsJson(log: ApiLog, { firstLine = 0, lines = defaultLines, streams }: TextQuery) {
    const pieces = await piecesByLine(log, firstLine, Math.min(lines, maxLines))
    const read = await readLines(pieces, { firstLine, totalLines: log.lines, streams: parseStreams(streams) })
    return { ...read, totalLines: log.lines, finished: log.finished }
  }

  async function sendText(
    log: ApiLog,
    query: TextQuery,
    rangeHeader: string | undefined,
    reply: FastifyReply,
    isHead: boolean,
  ) {
    const streams = parseStreams(query.streams)
    if (query.firstLine !== undefined || query.lines !== undefined) {
      const pieces = await piecesByLine(log, query.firstLine ?? 0, query.lines ?? Infinity)
      return reply.send(isHead ? empty() : asStream(pieces, streams))
    }
    // How long a part of the streams is, nobody has counted.
    if (streams) return reply.send(isHead ? empty() : asStream(readPieces(db, log.id, 0, log.bytes), streams))

    reply.header('accept-ranges', 'bytes')
    const range = parseRange(rangeHeader, log.bytes)
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${log.bytes}`)
      throw new RouseError('ROUSE_RANGE_INVALID', `the log has ${log.bytes} bytes`)
    }
    const { from, to } = range ?? { from: 0, to: log.bytes }
    if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${log.bytes}`)
    reply.header('content-length', to - from)
    return reply.send(isHead ? empty() : asStream(readPieces(db, log.id, from, to), undefined))
  }

  async function piecesByLine(log: ApiLog, firstLine: number, count: number) {
    const { offset, skip } = await seekLine(db, log.id, firstLine)
    return takeLines(readPieces(db, log.id, offset, log.bytes), skip, count)
  }
}

function parseStreams(text: string | undefined): Stream[] | undefined {
  return text?.split(',') as Stream[] | undefined
}

function asStream(pieces: AsyncIterable<LogPiece>, streams: readonly Stream[] | undefined): Readable {
  const texts = async function* () {
    for await (const piece of pieces) {
      const text = textOf(piece, streams)
      if (text.length > 0) yield text
    }
  }
  return Readable.from(texts(), { objectMode: false })
}

function empty(): Readable {
  return Readable.from([])
}
