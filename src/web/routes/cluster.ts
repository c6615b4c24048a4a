import Type from 'typebox'
import { answers } from '../answers.ts'
import { ClusterSchema } from '../instance-api.ts'
import type { App } from '../app.ts'
import { onlyFromHere } from '../only-from-here.ts'
import type { WebServices } from '../services.ts'

const EmptyBodySchema = Type.Object({}, { additionalProperties: false })

export function clusterRoutes(app: App, { cluster, url }: WebServices): void {
  app.get('/cluster', { schema: { response: answers(ClusterSchema) } }, () => cluster.describe())

  for (const { action, summary } of decisions)
    app.post(
      `/cluster/${action}`,
      { schema: { summary, body: EmptyBodySchema, response: answers(ClusterSchema) } },
      async (request) => {
        onlyFromHere(request, { url })
        return cluster[action]()
      },
    )
}

const decisions = [
  { action: 'adopt', summary: 'A copied database is the cluster now; only from the machine of the master' },
  { action: 'renew', summary: 'A copied database gets a new id; only from the machine of the master' },
] as const
