import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError } from 'fastify'
import { errorCatalogue, RouseError, type ErrorCode } from '../model/errors.ts'
import type { ApiError } from './api.ts'
import type { App } from './app.ts'
import { describeInvalid } from './validation.ts'

/** Every error is answered as {code, message, advice}. What a user cannot mend is logged and not shown. */
export function answerErrors(app: App): void {
  app.setErrorHandler((error, request, reply) => {
    const answer = asRouseError(error as FastifyError)
    if (answer.code === 'ROUSE_INTERNAL')
      request.log.error({ err: error, url: request.url }, 'request failed')
    return reply.code(answer.status).type('application/json; charset=utf-8').send(errorBody(answer))
  })
  app.setNotFoundHandler((request) => {
    throw new RouseError('ROUSE_NOT_FOUND', `nothing at ${request.method} ${request.url.slice(0, 200)}`)
  })
}

/** The advice is the catalogue's where none is given. */
export function errorBody({
  code,
  message,
  advice,
}: {
  code: string
  message: string
  advice?: string
}): ApiError {
  return { code, message, advice: advice ?? errorCatalogue[code as ErrorCode]?.advice ?? '' }
}

/** For what is not even HTTP: there is no request to answer. */
export function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statusOfBroken[error.code ?? ''] ?? 400
  const reason = STATUS_CODES[status]
  const body = JSON.stringify(errorBody({ code: 'ROUSE_REQUEST_INVALID', message: `HTTP: ${reason}` }))
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const statusOfBroken: Record<string, number> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

/** What fastify or a handler threw, as what the user is told. */
export function asRouseError(error: FastifyError): RouseError {
  if (error instanceof RouseError) return error
  if (error.validation) return new RouseError('ROUSE_REQUEST_INVALID', describeInvalid(error))
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new RouseError('ROUSE_REQUEST_TOO_LARGE', 'the body is too large')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new RouseError('ROUSE_MEDIA_TYPE', 'the body is not application/json')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new RouseError('ROUSE_NOT_FOUND', 'the address is too long')
  }
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500)
    return new RouseError('ROUSE_REQUEST_INVALID', error.message)
  return new RouseError('ROUSE_INTERNAL', 'the master could not answer')
}
