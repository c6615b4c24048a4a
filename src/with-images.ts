import type { MasterSettings, ResolvedLatentWorker } from './config/master-settings.ts'
import type { BuilderConfig } from './config/types.ts'
import { provisionSteps, testSteps } from './image-steps.ts'
import type { Images } from './latent/images/images.ts'
import type { ImageSpec } from './latent/images/image-spec.ts'
import { imageBuilder, imageHashProperty, imageTester } from './model/image.ts'
import type { PropertyReader } from './model/properties.ts'

type Settings = Pick<MasterSettings, 'builders' | 'images' | 'workers'>

/** The settings with a builder for each image that a worker uses, and a worker for each of these builders. */
export function withImages<S extends Settings>(settings: S, images: () => Images): S {
  const made = imageSpecs(settings).map((spec) => {
    const user = userOf(settings, spec.name)!
    return {
      workers: [provisioner(spec, user), tester(spec, user, images)],
      builders: [
        builder(imageBuilder(spec.name), `Provisions image ${spec.name}`, provisionSteps(spec, images)),
        builder(imageTester(spec.name), `Tries image ${spec.name} out`, testSteps()),
      ],
    }
  })
  return {
    ...settings,
    workers: [...settings.workers, ...made.flatMap(({ workers }) => workers)],
    builders: [...settings.builders, ...made.flatMap(({ builders }) => builders)],
  }
}

/** The config's images that a worker uses. */
export function imageSpecs(settings: Settings): ImageSpec[] {
  return settings.images.flatMap(({ kind: _, ...image }) => {
    const user = userOf(settings, image.name)
    return user ? [{ ...image, backend: user.backend.key }] : []
  })
}

/** What the templates of latent workers name, also the images of theirs that a provider calls so; not what they compute. */
export function namedInTemplates({ workers }: Settings): Set<string> {
  const values = workers.flatMap((worker) =>
    worker.kind === 'latent' && typeof worker.template !== 'function'
      ? Object.values(worker.template as Record<string, unknown>)
      : [],
  )
  return new Set(values.filter((value) => typeof value === 'string'))
}

function userOf({ workers }: Settings, image: string): ResolvedLatentWorker | undefined {
  return workers.find(
    (worker): worker is ResolvedLatentWorker => worker.kind === 'latent' && worker.image?.name === image,
  )
}

/** Like the first worker that uses the image, but made of what the image begins with. */
function provisioner({ from, name, size }: ImageSpec, user: ResolvedLatentWorker): ResolvedLatentWorker {
  return {
    ...helper(user),
    name: imageBuilder(name),
    image: undefined,
    template: user.image!.machine({ from, size }),
  }
}

/** Like that worker, on the image that the request names. */
function tester({ name }: ImageSpec, user: ResolvedLatentWorker, images: () => Images): ResolvedLatentWorker {
  const { image, reset, template } = user
  const computed =
    typeof template === 'function' ? (template as (p: PropertyReader) => unknown) : () => template
  return {
    ...helper(user),
    name: imageTester(name),
    reset,
    image: undefined,
    template: async (properties: PropertyReader) =>
      image!.using(await computed(properties), images().refOf(name, properties.get(imageHashProperty))),
  }
}

function helper(user: ResolvedLatentWorker): ResolvedLatentWorker {
  return {
    ...user,
    maxBuilds: 1,
    locks: [],
    reset: null,
    park: false,
    // The machine ends when its build has.
    buildWaitTimeout: 0,
    max: 1,
    minIdle: 0,
    maxBuildsPerInstance: Infinity,
    onShutdown: undefined,
    missingTimeoutSeconds: null,
    budgetPerDay: null,
  }
}

function builder(name: string, description: string, steps: BuilderConfig['steps']): BuilderConfig {
  return { name, description, workers: [name], steps, collapseRequests: false }
}
