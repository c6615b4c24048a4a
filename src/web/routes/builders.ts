import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import type { PropertyValue } from '../../model/properties.ts'
import { closest } from '../../util/closest.ts'
import { answers, created } from '../answers.ts'
import { BuilderSchema, ForceAnswerSchema, ForceBodySchema } from '../api.ts'
import type { App } from '../app.ts'
import { NameParams } from '../ids.ts'
import { pageOfAll, pageQuery, PageSchema } from '../paging.ts'
import { describeBuilders } from '../queries/builders.ts'
import type { WebServices } from '../services.ts'
import { checkStorable } from '../storable.ts'

export function builderRoutes(app: App, { builders, db, queue }: WebServices): void {
  const query = Type.Object(pageQuery, { additionalProperties: false })
  app.get(
    '/builders',
    { schema: { querystring: query, response: answers(PageSchema(BuilderSchema)) } },
    async (request) => {
      const { items, next } = pageOfAll(builders(), request.query)
      return { items: await describeBuilders(db, items), next }
    },
  )

  app.get(
    '/builders/:name',
    { schema: { params: NameParams, response: answers(BuilderSchema) } },
    async (request) => {
      const [builder] = await describeBuilders(db, [find(request.params.name)])
      return builder!
    },
  )

  app.post(
    '/builders/:name/force',
    {
      schema: {
        summary: 'Asks for a build',
        description: 'With a repeated Idempotency-Key, the answer is that of the first time.',
        params: NameParams,
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ pattern: '^[ -~]{1,200}$' })),
        }),
        body: ForceBodySchema,
        response: created(ForceAnswerSchema),
      },
    },
    async (request, reply) => {
      const builder = find(request.params.name).name
      checkStorable(request.body)
      const { properties, ...body } = request.body
      const idempotencyKey = request.headers['idempotency-key']
      const answer = await queue.force({
        builder,
        ...body,
        ...(properties && { properties: properties as Record<string, PropertyValue> }),
        ...(idempotencyKey && { idempotencyKey }),
      })
      return reply.code(201).send(answer)
    },
  )

  function find(name: string) {
    const found = builders().find((builder) => builder.name === name)
    if (found) return found
    const meant = closest(
      name,
      builders().map((builder) => builder.name),
    )
    throw new RouseError(
      'ROUSE_BUILDER_UNKNOWN',
      `there is no builder "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
    )
  }
}
