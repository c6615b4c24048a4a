import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import type { RouseEvent } from '../../model/events.ts'
import type { App } from '../app.ts'
import { pingRegularly, sendEvents } from '../event-socket.ts'
import type { WebServices } from '../services.ts'

const EventsQuery = Type.Object(
  {
    since: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'Id of the last event seen. When it is not known any more, a `reset` comes first.',
      }),
    ),
    build: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'Only events of this build.',
      }),
    ),
    types: Type.Optional(
      Type.String({
        pattern: '^[a-z]+\\.[a-z]+(,[a-z]+\\.[a-z]+)*$',
        maxLength: 1000,
        description: 'Only these: build.started,build.finished',
      }),
    ),
  },
  { additionalProperties: false },
)

export interface EventOptions {
  /** Seconds between pings. */
  readonly heartbeat: number
  /** Bytes that a reader may be behind. */
  readonly maxUnsentBytes: number
}

export function eventRoutes(
  app: App,
  { events }: WebServices,
  { heartbeat, maxUnsentBytes }: EventOptions,
): void {
  app.route({
    method: 'GET',
    url: '/events',
    schema: {
      summary: 'WebSocket: what happens, as JSON, one event in a message',
      description:
        'Resume after a cut connection with `since`. A reader that is too slow is closed with 1013 and may resume. ' +
        '`request.waiting` comes when a lock or a function of the config begins to hold a request up. That all workers are busy or away, ' +
        'and the place in the queue, change with every build and are not told: `GET /requests` has the reason and place of each.',
      querystring: EventsQuery,
    },
    handler: () => {
      throw new RouseError('ROUSE_REQUEST_INVALID', 'this address speaks WebSocket')
    },
    wsHandler: (socket, request) => {
      const { since, build, types } = request.query
      const wanted = types === undefined ? undefined : new Set(types.split(','))
      const wants = (event: RouseEvent) =>
        (build === undefined || ('build' in event && event.build === build)) &&
        (wanted?.has(event.type) ?? true)
      // Readers have nothing to say.
      socket.on('message', () => socket.close(1008, 'this socket only sends events'))
      pingRegularly(socket, heartbeat)
      return sendEvents(socket, events, { since, wants, maxUnsentBytes })
    },
  })
}
