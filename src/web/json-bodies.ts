import type { App } from './app.ts'

/**
 * Bodies are JSON: what a form of another site can send (text/plain, urlencoded, multipart) is refused before it is
 * read. An empty body is no body.
 */
export function jsonBodies(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body as string, done)
  })
}
