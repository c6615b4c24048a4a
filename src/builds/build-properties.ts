import type { BuilderConfig } from '../config/types.ts'
import type { WorkerSpec } from '../fleet/worker-spec.ts'
import { Properties, type Property, type PropertyValue } from '../model/properties.ts'
import type { SourceStamp } from '../model/source-stamp.ts'

interface BuildFacts {
  readonly source: SourceStamp
  /** Of its request's buildset. */
  readonly submitted: readonly Property[]
  /** Unknown before it is claimed. */
  readonly buildId?: number
}

/** What a build of this builder on this worker begins with. Weakest first; a stronger source overrides. */
export function buildProperties(
  builder: Pick<BuilderConfig, 'name' | 'properties'>,
  worker: WorkerSpec,
  { buildId, source, submitted }: BuildFacts,
): Properties {
  const properties = new Properties()
  const set = (values: Readonly<Record<string, PropertyValue>>, from: Property['source']) => {
    for (const [name, value] of Object.entries(values)) properties.set({ name, value, source: from })
  }
  // The worker's defaults are weaker than everything.
  set(worker.defaultProperties, 'builder')
  set(builder.properties ?? {}, 'builder')
  for (const property of submitted) properties.set(property)
  set(worker.properties, 'worker')
  const { branch, repository, revision } = source
  const build = { buildername: builder.name, workername: worker.name, repository, branch, revision }
  set(buildId === undefined ? build : { ...build, buildid: buildId }, 'build')
  return properties
}
