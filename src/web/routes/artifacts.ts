import type { Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import { ArtifactSchema } from '../api.ts'
import type { App } from '../app.ts'
import { parseRange } from '../byte-range.ts'
import { IdParams } from '../ids.ts'
import { page, pageQuery, PageSchema } from '../paging.ts'
import { artifactsOfBuild, findArtifact, type ArtifactFile } from '../queries/artifacts.ts'
import { buildExists } from '../queries/builds.ts'
import type { WebServices } from '../services.ts'

const ListQuery = Type.Object(pageQuery, { additionalProperties: false })

export function artifactRoutes(app: App, { artifactPath, db }: WebServices): void {
  app.get(
    '/builds/:id/artifacts',
    {
      schema: {
        summary: 'What the build has stored, by name',
        params: IdParams,
        querystring: ListQuery,
        response: answers(PageSchema(ArtifactSchema)),
      },
    },
    async ({ params: { id }, query }) => {
      const rows = await artifactsOfBuild(db, id, query)
      if (rows.length === 0 && !(await buildExists(db, id)))
        throw new RouseError('ROUSE_BUILD_UNKNOWN', `there is no build ${id}`)
      return page(rows, query)
    },
  )

  app.get(
    '/artifacts/:id',
    {
      schema: {
        summary: "An artifact's bytes",
        description: 'Whole, or by Range. A browser saves it and does not show it.',
        params: IdParams,
        response: { 200: { content: { 'application/octet-stream': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const artifact = await findArtifact(db, id)
      if (!artifact) throw new RouseError('ROUSE_ARTIFACT_UNKNOWN', `there is no artifact ${id}`)
      return send(artifact, request.headers.range, reply, request.method === 'HEAD')
    },
  )

  async function send(
    { name, path, sha256, size, type }: ArtifactFile,
    rangeHeader: string | undefined,
    reply: FastifyReply,
    isHead: boolean,
  ) {
    const range = parseRange(rangeHeader, size)
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${size}`)
      throw new RouseError('ROUSE_RANGE_INVALID', `the artifact has ${size} bytes`)
    }
    const { from, to } = range ?? { from: 0, to: size }
    const file = await openWhole(artifactPath(path), size)
    if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`)
    // Whatever a build has stored, a browser runs nothing of it.
    reply
      .header('content-security-policy', "default-src 'none'; sandbox")
      .header('content-disposition', attachment(name))
      .header('accept-ranges', 'bytes')
      .header('etag', `"${sha256}"`)
      .header('content-length', to - from)
      .type(type)
    if (isHead || from === to) {
      await file.close()
      return reply.send(Readable.from([]))
    }
    return reply.send(file.createReadStream({ start: from, end: to - 1 }))
  }
}

async function openWhole(path: string, size: number): Promise<FileHandle> {
  let file: FileHandle
  let stats: Stats
  try {
    file = await open(path, 'r')
    stats = await file.stat()
  } catch (error) {
    throw new RouseError('ROUSE_ARTIFACT_LOST', "the artifact's file is not there", { cause: error })
  }
  if (stats.size === size) return file
  await file.close()
  throw new RouseError('ROUSE_ARTIFACT_LOST', `the artifact's file has ${stats.size} bytes, not ${size}`)
}

/** For browsers the last part of the name; every character but the plainest is encoded. */
function attachment(name: string): string {
  const last = name.split('/').at(-1)!
  const plain = last.replaceAll(/[^\w.+-]/g, '_')
  const encoded = encodeURIComponent(last).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
