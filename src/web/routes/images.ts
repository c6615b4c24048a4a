import Type from 'typebox'
import { RouseError } from '../../model/errors.ts'
import { answers } from '../answers.ts'
import { ForceAnswerSchema } from '../api.ts'
import type { App } from '../app.ts'
import { NameParams } from '../ids.ts'
import {
  ImageBuildBodySchema,
  ImageRemovalSchema,
  ImageRemoveBodySchema,
  ImageSchema,
  ImageTestBodySchema,
  ImageUseBodySchema,
  type ApiImage,
} from '../image-api.ts'
import { pageOfAll, pageQuery, PageSchema } from '../paging.ts'
import { listImages } from '../queries/images.ts'
import type { WebServices } from '../services.ts'

const ListQuery = Type.Object(pageQuery, { additionalProperties: false })

export function imageRoutes(app: App, { db, images }: WebServices): void {
  app.get(
    '/images',
    {
      schema: {
        summary:
          'Images that are provisioned once: those of the config and those that are kept, newest first',
        querystring: ListQuery,
        response: answers(PageSchema(ImageSchema)),
      },
    },
    async ({ query }) => pageOfAll(await listImages(db, images), query),
  )

  app.post(
    '/images/:name/build',
    {
      schema: {
        summary: 'Looks at what it is made of anew, and builds it if it is not there',
        params: NameParams,
        body: ImageBuildBodySchema,
        response: answers(ImageSchema),
      },
    },
    async ({ body: { again = false }, params: { name } }) => {
      const hash = await images.build(name, { again })
      return await found(({ hash: other }) => other === hash, name)
    },
  )

  app.post(
    '/images/:name/use',
    {
      schema: {
        summary: "Makes new instances of this one, whatever the config says; null: of the config's again",
        params: NameParams,
        body: ImageUseBodySchema,
        response: answers(ImageSchema),
      },
    },
    async ({ body: { hash }, params: { name } }) => {
      await images.use(name, hash)
      return await found(({ pinned, wanted }) => (hash === null ? wanted : pinned), name)
    },
  )

  app.post(
    '/images/:name/remove',
    {
      schema: {
        summary: 'Removes one that nothing is made of',
        params: NameParams,
        body: ImageRemoveBodySchema,
        response: answers(ImageRemovalSchema),
      },
    },
    async ({ body: { hash }, params: { name } }) => ({ state: await images.remove(name, hash) }),
  )

  app.post(
    '/images/:name/test',
    {
      schema: {
        summary: 'Starts an instance of it and runs a command there, as a build',
        params: NameParams,
        body: ImageTestBodySchema,
        response: answers(ForceAnswerSchema),
      },
    },
    async ({ body: { hash = null }, params: { name } }) => await images.test(name, hash),
  )

  async function found(isIt: (image: ApiImage) => boolean, name: string): Promise<ApiImage> {
    const one = (await listImages(db, images)).find((image) => image.name === name && isIt(image))
    if (!one) throw new RouseError('ROUSE_IMAGE_UNKNOWN', `there is no such image of ${name}`)
    return one
  }
}
