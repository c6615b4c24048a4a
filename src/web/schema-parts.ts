import Type from 'typebox'

export const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
export const Time = Type.String({ format: 'date-time' })
