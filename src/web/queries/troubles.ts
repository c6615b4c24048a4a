import type { Kysely } from 'kysely'
import type { Database } from '../../db/schema.ts'
import type { ApiTrouble } from '../notice-api.ts'
import type { WebServices } from '../services.ts'

/** What does not work now, worst first. */
export async function listTroubles(
  db: Kysely<Database>,
  { cluster, images, latent }: Pick<WebServices, 'cluster' | 'images' | 'latent'>,
): Promise<ApiTrouble[]> {
  const { held } = cluster.describe()
  return [
    ...(held === null ? [] : [trouble('cluster', 'latent workers', `every latent worker ${held}`)]),
    ...latent.troubles().map(({ backend, message, since }) => ({
      ...trouble('backend', backend, message),
      since: since.toISOString(),
    })),
    ...images.names().flatMap((name) => {
      const message = images.trouble(name)
      return message === undefined ? [] : [trouble('image', name, message)]
    }),
    ...(await missingWorkers(db)),
    ...(await failingTargets(db)),
  ]
}

async function missingWorkers(db: Kysely<Database>): Promise<ApiTrouble[]> {
  const rows = await db
    .selectFrom('workers')
    .select(['name', 'kind', 'missing_since'])
    .where('configured', '=', true)
    .where('missing_noticed_at', 'is not', null)
    .orderBy('missing_since')
    .limit(1000)
    .execute()
  return rows.map(({ kind, missing_since, name }) => {
    const message = kind === 'latent' ? 'its instances do not come' : 'it is not connected'
    return { ...trouble('worker', name, message), since: missing_since?.toISOString() ?? null }
  })
}

// One that failed once may work the next time.
async function failingTargets(db: Kysely<Database>): Promise<ApiTrouble[]> {
  const rows = await db
    .selectFrom('notice_targets as t')
    .innerJoin('reporters as r', 'r.name', 't.reporter')
    .select(['t.reporter', 't.target', 't.failures', 't.failing_since', 't.error'])
    .where('r.configured', '=', true)
    .where('t.failures', '>=', 2)
    .orderBy('t.failing_since')
    .limit(1000)
    .execute()
  return rows.map(({ error, failing_since, failures, reporter, target }) => ({
    kind: 'reporter',
    name: `${reporter} to ${target}`,
    message: `failed ${failures} times in a row: ${error.message}`,
    advice: error.advice ?? null,
    since: failing_since.toISOString(),
  }))
}

function trouble(kind: ApiTrouble['kind'], name: string, message: string): ApiTrouble {
  return { kind, name, message, advice: null, since: null }
}
