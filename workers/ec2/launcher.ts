import type { InstanceId, InstanceSpec } from '../../src/latent/backend.ts'
import { BackendError } from '../../src/latent/backend-error.ts'
import { messageOf } from '../../src/model/errors.ts'
import type { Ec2Api } from './ec2-api.ts'
import { hasCode, isElsewhere, verdict } from './ec2-error.ts'
import type { Ec2Template } from './ec2-options.ts'
import { bearing, findMachines } from './find-machines.ts'
import type { FoundImage, Images } from './images.ts'
import { endedByItself, isEnding, machineOf, type Machine } from './machine.ts'
import { runRequest } from './run-request.ts'
import { clientToken, variantName, variantsOf, type Variant } from './variants.ts'

/** Starts machines, the same one for the same id, in the first type, subnet and market that has room. */
export class Launcher {
  readonly #api: Ec2Api
  readonly #cluster: string
  readonly #images: Images
  /** The try that was made last for an id and has perhaps worked: those before it have surely not. */
  readonly #tried = new Map<InstanceId, number>()

  constructor(api: Ec2Api, cluster: string, images: Images) {
    this.#api = api
    this.#cluster = cluster
    this.#images = images
  }

  async launch(spec: InstanceSpec<Ec2Template>, signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted()
    const variants = variantsOf(spec.template)
    const tried = this.#tried.get(spec.id)
    // A master that has died may have come further than the first try: its token would make a second machine.
    const present = variants.length > 1 && tried === undefined ? await this.#find(spec.id, signal) : undefined
    if (present) return present
    const image = await this.#images.find(spec.template.ami, signal)
    const { rootSize } = spec.template
    const rootDevice = rootSize === undefined ? undefined : await this.#rootDevice(image.id, signal)
    const refusals: { readonly variant: Variant; readonly error: unknown }[] = []
    for (const [i, variant] of variants.entries()) {
      if (i < (tried ?? 0)) continue
      this.#remember(spec.id, i)
      try {
        return await this.#launch(spec, { image, rootDevice, variant, i }, signal)
      } catch (error) {
        if (hasCode(error, /^InvalidAMI/)) this.#images.forget()
        if (!isElsewhere(error)) throw verdict(error)
        refusals.push({ variant, error })
      }
    }
    this.#tried.delete(spec.id)
    throw refusal(refusals)
  }

  forget(id: InstanceId): void {
    this.#tried.delete(id)
  }

  async #launch(
    spec: InstanceSpec<Ec2Template>,
    {
      i,
      image,
      rootDevice,
      variant,
    }: { image: FoundImage; rootDevice: string | undefined; variant: Variant; i: number },
    signal: AbortSignal,
  ): Promise<Machine> {
    // Each round is for a machine of the id that has ended: its token is used up.
    for (let round = 0; round < mostRounds; round++) {
      const token = clientToken(spec.id, i, round)
      const request = runRequest(spec, { cluster: this.#cluster, image, rootDevice, variant, token })
      try {
        const { Instances = [] } = await this.#api.call(
          'RunInstances',
          { signal, urgency: 'start' },
          (ec2, o) => ec2.runInstances(request, o),
        )
        const machine = Instances[0] && machineOf(Instances[0])
        if (!machine) throw new Error('RunInstances: the answer has no instance in it')
        // One that has ended by itself says why; one that was ended is of an earlier life.
        if (!isEnding(machine) || endedByItself(machine)) return machine
      } catch (error) {
        if (hasCode(error, /^IdempotentInstanceTerminated$/)) continue
        if (!hasCode(error, /^IdempotentParameterMismatch$/)) throw error
        // Since the first try the image or the agent has changed; what it has made is found by its tags.
        const present = await this.#find(spec.id, signal)
        if (present) return present
        throw error
      }
    }
    throw new Error(`RunInstances: ${mostRounds} machines of ${spec.id} have ended`)
  }

  async #rootDevice(image: string, signal: AbortSignal): Promise<string> {
    return await this.#images.rootDevice(image, signal).catch((error: unknown) => {
      throw verdict(error)
    })
  }

  async #find(id: InstanceId, signal: AbortSignal): Promise<Machine | undefined> {
    const where = bearing(id, this.#cluster)
    const machines = await findMachines(this.#api, { signal, urgency: 'start', where })
    return machines.find((machine) => !isEnding(machine))
  }

  #remember(id: InstanceId, i: number): void {
    this.#tried.delete(id)
    this.#tried.set(id, i)
    // Those that were never stopped by this master.
    if (this.#tried.size > mostRemembered) this.#tried.delete(this.#tried.keys().next().value!)
  }
}

/** All have refused: for want of room if one of them did. */
function refusal(refusals: readonly { readonly variant: Variant; readonly error: unknown }[]): unknown {
  const verdicts = refusals.map(({ error, variant }) => ({ variant, error: verdict(error) as Error }))
  if (verdicts.length === 1) return verdicts[0]!.error
  const full = verdicts.some(({ error }) => error instanceof BackendError && error.code === 'CAPACITY')
  const message = verdicts
    .map(({ error, variant }) => `${variantName(variant)}: ${messageOf(error)}`)
    .join('; ')
  return new BackendError(full ? 'CAPACITY' : 'REJECTED', message, { cause: verdicts[0]!.error })
}

const mostRounds = 20
const mostRemembered = 10_000
