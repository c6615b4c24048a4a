import { Compile } from 'typebox/schema'
import { FromAgent, FromMaster } from './messages.ts'

/** One control message: a JSON text frame. */
export const maxControlBytes = 1_048_576

const agentValidator = Compile(FromAgent)
const masterValidator = Compile(FromMaster)

export function encodeControl(message: FromAgent | FromMaster): string {
  return JSON.stringify(message)
}

/** Parses and checks what an agent sent. Throws an Error that says what is wrong; never anything else. */
export function decodeFromAgent(text: string): FromAgent {
  return decode(text, agentValidator) as FromAgent
}

/** The same for what a master sent. */
export function decodeFromMaster(text: string): FromMaster {
  return decode(text, masterValidator) as FromMaster
}

function decode(text: string, validator: { Check(value: unknown): boolean }): unknown {
  if (text.length > maxControlBytes)
    throw new Error(`message of ${text.length} characters, the limit is ${maxControlBytes}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('message is not JSON')
  }
  if (!validator.Check(value)) {
    const type = (value as { type?: unknown } | null)?.type
    throw new Error(`malformed message${typeof type === 'string' ? ` "${type.slice(0, 40)}"` : ''}`)
  }
  return value
}
