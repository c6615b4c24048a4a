import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'

const oneYear = 31_536_000

/** The built page at `/`, or a hint where there is none. */
export async function pageRoutes(app: App, { title }: WebServices, uiDir: string | undefined): Promise<void> {
  if (uiDir === undefined || !existsSync(join(uiDir, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, (_request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .send(
          `${title}\n\nThe page is not built; \`npm run build\` builds it. The API is at /api/v1/openapi.json.\n`,
        ),
    )
    return
  }
  await app.register(fastifyStatic, {
    root: uiDir,
    dotfiles: 'deny',
    cacheControl: false,
    setHeaders: (reply, path) => {
      // The names of assets hold a hash of their content.
      const isAsset = path.startsWith(join(uiDir, 'assets'))
      reply.header('cache-control', isAsset ? `public, max-age=${oneYear}, immutable` : 'no-cache')
    },
  })
}
