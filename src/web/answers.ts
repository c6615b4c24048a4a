import type { TSchema } from 'typebox'
import { ErrorSchema } from './api.ts'

/** The `response` part of a route's schema: this on success, {code, message, advice} on everything else. */
export function answers<T extends TSchema>(schema: T) {
  return { 200: schema, default: ErrorSchema }
}

/** The same for what makes something. */
export function created<T extends TSchema>(schema: T) {
  return { 201: schema, default: ErrorSchema }
}
