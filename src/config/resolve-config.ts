import { basename, resolve } from 'node:path'
import { seconds } from '../model/durations.ts'
import { RouseError } from '../model/errors.ts'
import { checkConfig } from './check-config.ts'
import { isPostgresUrl } from './check-database.ts'
import { deepFreeze } from './deep-freeze.ts'
import { defaults } from './defaults.ts'
import type { LoadedConfig } from './load-config.ts'
import type { MasterSettings } from './master-settings.ts'
import { missingSecrets } from './missing-secrets.ts'
import type { Problem } from './problem.ts'
import type { SecretPlaces } from './resolve-secret.ts'
import { resolveWorker } from './resolve-worker.ts'
import { SecretKeeper } from './secret-keeper.ts'
import type { MasterConfig } from './types.ts'
import { visitSecrets } from './visit-secrets.ts'

export type { MasterSettings, ResolvedWorker } from './master-settings.ts'

/**
 * What the master runs with. Throws ROUSE_CONFIG_INVALID with all mistakes, or ROUSE_SECRET_MISSING with all secrets that
 * are not there.
 */
export function resolveConfig(
  { config: unchecked, dir, files }: LoadedConfig,
  env: SecretPlaces['env'],
): MasterSettings {
  const errors = checkConfig(unchecked).filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw invalid(files, errors)
  const config = unchecked as MasterConfig

  const places = { env, secretsDir: secretsDirOf(config, dir) }
  const missing = missingSecrets(config, places)
  if (missing.length > 0) throw missingError(missing)

  const keeper = new SecretKeeper(places)
  visitSecrets(config, ({ name }) => keeper.find(name))
  const dataDir = resolve(dir, config.dataDir ?? defaults.dataDir)
  return deepFreeze<MasterSettings>({
    title: config.title ?? defaults.title,
    url: config.url === undefined ? undefined : config.url.replace(/\/?$/, '/'),
    listen: config.listen ?? defaults.listen,
    agents: {
      listen: (config.agents?.listen ?? []).map((address) =>
        'path' in address ? { path: resolve(dataDir, 'sockets', address.path) } : address,
      ),
      url: config.agents?.url,
    },
    database: resolveDatabase(config, files, keeper),
    dataDir,
    clusterKey: config.clusterKey === undefined ? undefined : keeper.keep(config.clusterKey),
    cluster: config.cluster,
    auth: config.auth,
    workers: config.workers.map((worker) => resolveWorker(worker, { dir, dataDir, keeper })),
    builders: config.builders,
    schedulers: config.schedulers ?? [],
    reporters: config.reporters ?? [],
    heartbeatSeconds: seconds(config.heartbeatInterval ?? defaults.heartbeatInterval),
    maxDisconnectedSeconds: seconds(config.maxDisconnected ?? defaults.maxDisconnected),
    maxInfraRetries: config.maxInfraRetries ?? defaults.maxInfraRetries,
    sweepSeconds: seconds(config.sweepInterval ?? defaults.sweepInterval),
    orphanGraceSeconds: seconds(config.orphanGrace ?? defaults.orphanGrace),
    maxArtifactSize: config.maxArtifactSize ?? defaults.maxArtifactSize,
    maxLogSize: config.maxLogSize ?? defaults.maxLogSize,
    configFile: files[0]!,
    files,
    secrets: keeper.secrets,
    secretValue: (name) => keeper.find(name).value,
  })
}

/** The folder of secrets of a config that may still have mistakes. */
export function secretsDirOf(config: unknown, dir: string): string {
  const { secretsDir } = (config ?? {}) as { secretsDir?: unknown }
  return resolve(dir, typeof secretsDir === 'string' ? secretsDir : defaults.secretsDir)
}

function resolveDatabase(
  { database = 'embedded' }: MasterConfig,
  files: readonly string[],
  keeper: SecretKeeper,
): MasterSettings['database'] {
  if (database === 'embedded') return { kind: 'embedded' }
  const url = keeper.keep(database)
  if (!isPostgresUrl(url.value)) {
    const message = 'database: the secret does not hold a URL such as postgres://user@host/name'
    throw invalid(files, [{ path: 'database', message, severity: 'error' }])
  }
  keeper.keepPasswordOf(url.value)
  return { kind: 'url', url }
}

function invalid(files: readonly string[], errors: readonly Problem[]): RouseError {
  const count = errors.length === 1 ? 'a mistake' : `${errors.length} mistakes`
  return new RouseError('ROUSE_CONFIG_INVALID', `${basename(files[0]!)} has ${count}:\n${linesOf(errors)}`)
}

function missingError(missing: readonly Problem[]): RouseError {
  const [first, ...more] = missing
  const message =
    more.length === 0 ? first!.message : `${missing.length} secrets are missing:\n${linesOf(missing)}`
  return new RouseError('ROUSE_SECRET_MISSING', message)
}

function linesOf(problems: readonly Problem[]): string {
  return problems.map(({ message }) => `  ${message}`).join('\n')
}
