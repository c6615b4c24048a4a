import type { Step, StepFlags } from '../steps/step.ts'
import { isSecret } from '../model/secret.ts'
import { checkSecret } from './check-secret.ts'
import { check, optional, text, yesOrNo, type Check, type Checks } from './checks.ts'
import { checkLocks } from './check-locks.ts'
import { show } from './show.ts'

/** A step and the flags that all steps have. What is wrong with its own options it says itself. */
export const checkStep: Check = (value, place) => {
  if (!isStep(value)) return place.say(`this is not a step: ${describe(value)}`)
  text(value.name, place.key('name'))
  for (const mistake of value.mistakes ?? []) place.say(`step "${value.name}": ${mistake}`)
  for (const [flag, inner] of Object.entries(flags))
    optional(inner)(value[flag as keyof Step], place.key(flag))
  optional(checkSecrets)(value.secrets, place.key('secrets'))
}

function isStep(value: unknown): value is Step {
  if (typeof value !== 'object' || value === null) return false
  return 'kind' in value && value.kind === 'step' && 'run' in value && typeof value.run === 'function'
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `got ${show(value)}; did you mean shell(${show(value)})?`
  if (isArgv(value)) return `got an array; did you mean shell([${show(value[0])}, ...])?`
  if (Array.isArray(value)) return 'got an array; put its steps into this list with "..."'
  if (typeof value !== 'function') return `got ${show(value)}`
  const name = value.name || 'step'
  return value.length > 0 && name !== 'shell' && name !== 'git'
    ? `got a function; did you mean step('name', ${value.name || 'async (context) => { ... }'})?`
    : `got the function ${name}; did you mean ${name}(...)?`
}

function isArgv(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string')
}

const checkSecrets: Check = (value, place) => {
  if (!Array.isArray(value)) return place.mustBeUnseen("an array of secret('NAME')", value)
  for (const [index, item] of value.entries()) {
    if (isSecret(item)) checkSecret(item, place.index(index))
    else place.index(index).mustBeUnseen("secret('NAME')", item)
  }
}

const flags: Checks<StepFlags> = {
  haltOnFailure: yesOrNo,
  flunkOnFailure: yesOrNo,
  warnOnWarnings: yesOrNo,
  alwaysRun: yesOrNo,
  locks: checkLocks,
  doStepIf: check('true, false or a function', (value) => ['boolean', 'function'].includes(typeof value)),
}
