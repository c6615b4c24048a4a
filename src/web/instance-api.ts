import Type, { type Static } from 'typebox'
import { instanceStates } from '../model/instance-state.ts'
import { Nullable, Time } from './schema-parts.ts'

/** What the REST API says of latent workers and their cluster. */

export const InstanceStateSchema = Type.Enum(instanceStates)

/** One container or machine of a latent worker. */
export const InstanceSchema = Type.Object({
  id: Type.String(),
  /** The worker's name and its place among the worker's instances: 'dock/2'. */
  name: Type.String(),
  worker: Type.String(),
  state: InstanceStateSchema,
  /** One sentence: 'attempt 3, next try in 40 s: connection refused', 'idle, stops in 580 s', 'runs build 17'. */
  why: Type.String(),
  /** What the provider said last. */
  detail: Nullable(Type.String()),
  /** The provider's own id. */
  ref: Nullable(Type.String()),
  /** Where it lives: 'docker unix:///var/run/docker.sock'. */
  backend: Type.String(),
  createdAt: Time,
  /** When it came into its state; of one that is gone, its end. */
  changedAt: Time,
  /** Seconds from its creation, until its end. */
  age: Type.Integer(),
  /** When it is stopped if no build comes; null while it is not idle. */
  idleUntil: Nullable(Time),
  /** Which try to start it this is or was; counts from 1. */
  attempt: Type.Integer(),
  /** Builds begun on it so far. */
  builds: Type.Integer(),
  runningBuilds: Type.Array(Type.Integer()),
  stopReason: Nullable(Type.String()),
  pricePerHour: Nullable(Type.Number()),
  /** What it has cost so far, without what its disk costs while it is parked; null without a price. */
  cost: Nullable(Type.Number()),
})
export type ApiInstance = Static<typeof InstanceSchema>

/** What carries our stamp at a provider, and no row knows. */
export const ReapSchema = Type.Object({
  dryRun: Type.Boolean(),
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      worker: Type.String(),
      backend: Type.String(),
      ref: Type.String(),
      /** At the provider: 'running', 'failed', ... */
      state: Type.String(),
      detail: Nullable(Type.String()),
      ended: Type.Boolean(),
      /** Why it could not be ended. */
      error: Nullable(Type.String()),
    }),
  ),
  /** Backends that could not be asked, and why. */
  troubles: Type.Array(Type.Object({ backend: Type.String(), message: Type.String() })),
})
export type ApiReap = Static<typeof ReapSchema>

export const ClusterSchema = Type.Object({
  /** Stamps everything that is created at providers. */
  id: Type.String(),
  /** Why instances are neither started nor ended: the database was copied. */
  held: Nullable(Type.String()),
})
export type ApiCluster = Static<typeof ClusterSchema>

/** What the instances of a latent worker have cost on one day (UTC). */
export const CostSchema = Type.Object({
  day: Type.String({ format: 'date' }),
  worker: Type.String(),
  cost: Type.Number(),
  /** Seconds that its instances existed on that day and were not parked. */
  seconds: Type.Integer(),
  instances: Type.Integer(),
})
export type ApiCost = Static<typeof CostSchema>
