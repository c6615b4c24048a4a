import type { FastifyError, FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** Checks bodies as they are; in queries and parameters, decimal digits become numbers first where a number is asked for. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema)
  return (given: unknown) => {
    const value =
      httpPart === 'body' ? (given ?? {}) : withNumbers(schema as TObject, given as Record<string, unknown>)
    return check.Check(value) ? { value } : { error: check.Errors(value) as FastifySchemaValidationError[] }
  }
}

/** 'query limit must be <= 1000; query colour is not known here'. */
export function describeInvalid(error: FastifyError): string {
  const places = Map.groupBy(error.validation ?? [], (e) => e.instancePath)
  const part = error.validationContext === 'querystring' ? 'query' : (error.validationContext ?? 'body')
  const told = [...places].map(([path, errors]) => {
    const place = [part, ...path.split('/').slice(1)].join(' ').slice(0, 200)
    return `${place} ${describePlace(errors)}`
  })
  return told.slice(0, 10).join('; ')
}

function describePlace(errors: readonly FastifySchemaValidationError[]): string {
  const unknown = errors.find((e) => e.keyword === 'additionalProperties')
  if (unknown) return `has an unknown name: ${String(unknown.params.additionalProperties).slice(0, 200)}`
  if (errors.some((e) => e.keyword === 'boolean')) return 'is not known here'
  const allowed = errors.find((e) => e.keyword === 'enum')?.params.allowedValues
  if (Array.isArray(allowed)) return `must be one of ${allowed.join(', ')}`
  const specific = errors.find((e) => !['type', 'anyOf', 'const'].includes(e.keyword))
  if (specific) return specific.message ?? 'is wrong'
  return `must be ${[...new Set(errors.filter((e) => e.keyword === 'type').map((e) => e.params.type))].join(' or ')}`
}

function withNumbers(schema: TObject, given: Record<string, unknown>): Record<string, unknown> {
  const value = { ...given }
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = value[name]
    const wanted = (property as { type?: string }).type
    if (wanted === 'integer' && typeof text === 'string' && /^\d{1,16}$/.test(text))
      value[name] = Number(text)
  }
  return value
}
