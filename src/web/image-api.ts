import Type, { type Static } from 'typebox'
import { Nullable, Time } from './schema-parts.ts'

/** What the REST API says of images. */

export const ImageSchema = Type.Object({
  name: Type.String(),
  /** Of all that it is made of; null while that is not known. */
  hash: Nullable(Type.String()),
  state: Type.Enum(['unknown', 'building', 'storing', 'ready', 'failed', 'removing'] as const),
  /** New instances are made of it. */
  inUse: Type.Boolean(),
  /** Somebody has said that it shall be used, whatever the config says. */
  pinned: Type.Boolean(),
  /** It is what the config's inputs come to. */
  wanted: Type.Boolean(),
  /** Instances that are made of it now. */
  instances: Type.Integer(),
  backend: Nullable(Type.String()),
  from: Nullable(Type.String()),
  /** How the provider calls it. */
  ref: Nullable(Type.String()),
  error: Nullable(Type.String()),
  /** The request for its build, and the build that has provisioned it. */
  requestId: Nullable(Type.Integer()),
  buildId: Nullable(Type.Integer()),
  createdAt: Nullable(Time),
  readyAt: Nullable(Time),
})
export type ApiImage = Static<typeof ImageSchema>

export const ImageBuildBodySchema = Type.Object(
  {
    /** Also when nothing has changed. */
    again: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const Hash = Type.String({ pattern: '^[0-9a-f]{4,16}$', description: 'Its beginning will do.' })

export const ImageUseBodySchema = Type.Object(
  { hash: Type.Union([Hash, Type.Null()], { description: "null: the config's." }) },
  { additionalProperties: false },
)
export const ImageRemoveBodySchema = Type.Object({ hash: Hash }, { additionalProperties: false })
export const ImageTestBodySchema = Type.Object({ hash: Type.Optional(Hash) }, { additionalProperties: false })

export const ImageRemovalSchema = Type.Object({
  state: Type.Enum(['removed', 'removing'] as const, {
    description: "'removing': its provider has not removed it yet; it is asked again until it has.",
  }),
})
export type ApiImageRemoval = Static<typeof ImageRemovalSchema>
