import type { Query } from './query.ts'
import type { Xml } from './xml.ts'
import { tagSet } from './xml.ts'

export interface FakeMachineOptions {
  readonly ref: string
  readonly type: string
  readonly image: string
  readonly subnet: string
  readonly spot: boolean
  readonly token: string
  /** What RunInstances was asked. */
  readonly request: Query
  /** At its first boot. */
  readonly userData: string
  readonly tags: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly runsAt: number
  /** When lists begin to show it. */
  readonly shownAt: number
  /** What it takes to shut down. */
  readonly shutdownMs: number
}

/** One machine of a FakeEc2. */
export class FakeMachine {
  readonly o: FakeMachineOptions
  tags: Record<string, string>
  runsAt: number
  /** As a shell script, or in MIME. */
  userData: string
  endedAt: number | undefined
  /** Why it is as it is, as AWS writes it. */
  reason: { code: string; message: string } | undefined
  #power = new AbortController()
  /** When its power went and came back, the newest first: lists show the past. */
  readonly #switched: { readonly at: number; readonly on: boolean }[] = []

  constructor(options: FakeMachineOptions) {
    this.o = options
    this.tags = { ...options.tags }
    this.runsAt = options.runsAt
    this.userData = options.userData
  }

  get ref(): string {
    return this.o.ref
  }

  /** The id that its stamp gives it. */
  get id(): string {
    return this.tags['rouse.instance'] ?? ''
  }

  /** Aborted when its power goes; then it has another. */
  get signal(): AbortSignal {
    return this.#power.signal
  }

  stateAt(now: number): string {
    const { endedAt, runsAt } = this
    if (endedAt !== undefined && endedAt <= now)
      return now < endedAt + this.o.shutdownMs ? 'shutting-down' : 'terminated'
    const last = this.#switched.find(({ at }) => at <= now)
    if (last && !last.on) return now < last.at + this.o.shutdownMs ? 'stopping' : 'stopped'
    return now < runsAt ? 'pending' : 'running'
  }

  end(now: number, code: string, message: string): void {
    if (this.endedAt !== undefined) return
    this.endedAt = now
    this.reason = { code, message: `${code}: ${message}` }
    this.#power.abort(new Error(message))
  }

  stop(now: number, code: string, message: string): void {
    this.#switched.unshift({ at: now, on: false })
    this.reason = { code, message: `${code}: ${message}` }
    this.#power.abort(new Error(message))
  }

  start(now: number, runsAt: number): void {
    this.#switched.unshift({ at: now, on: true })
    this.runsAt = runsAt
    this.reason = undefined
    this.#power = new AbortController()
  }

  asXml(now: number, volumes: readonly { id: string; device: string }[]): Xml {
    const { createdAt, image, ref, spot, subnet, token, type } = this.o
    const name = this.stateAt(now)
    return {
      instanceId: ref,
      imageId: image,
      instanceState: { code: codes[name]!, name },
      reason: name === 'running' || name === 'pending' ? '' : 'User initiated',
      instanceType: type,
      clientToken: token,
      launchTime: new Date(createdAt).toISOString(),
      placement: { availabilityZone: 'fake-1a', groupName: '', tenancy: 'default' },
      subnetId: subnet,
      rootDeviceName: volumes[0]?.device,
      ...(name === 'running' && { ipAddress: '203.0.113.9' }),
      ...(spot && { instanceLifecycle: 'spot' }),
      ...(this.reason && name !== 'running' && name !== 'pending' && { stateReason: this.reason }),
      blockDeviceMapping: volumes.map(({ device, id }) => ({ deviceName: device, ebs: { volumeId: id } })),
      tagSet: tagSet(this.tags),
    }
  }
}

const codes: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}
