import Type from 'typebox'
import { answers } from '../answers.ts'
import type { App } from '../app.ts'
import type { WebServices } from '../services.ts'

const MasterSchema = Type.Object({ title: Type.String(), ready: Type.Boolean() })

/** What the page shows in its header. */
export function masterRoutes(app: App, services: WebServices): void {
  app.get('/master', { schema: { response: answers(MasterSchema) } }, () => ({
    title: services.title,
    ready: services.ready(),
  }))
}
