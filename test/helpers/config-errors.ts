import { checkConfig } from '../../src/config/check-config.ts'
import { localWorker } from '../../src/config/local-worker.ts'
import type { Problem } from '../../src/config/problem.ts'
import { secret } from '../../src/model/secret.ts'
import { staticWorker } from '../../src/config/static-worker.ts'
import { step } from '../../src/steps/step.ts'

export const smoke = step('smoke', async () => {})

/** A small config without mistakes. */
export const right = {
  workers: [localWorker('dock'), staticWorker('bot', { password: secret('BOT') })],
  builders: [{ name: 'unit', workers: ['dock', 'bot'], steps: [smoke] }],
}

/** Changes that replace options of the right config's static worker, workers[1]. */
export function ofWorker(options: object): object {
  return { workers: [right.workers[0], { ...right.workers[1], ...options }] }
}

/** Changes that replace options of the right config's builder, builders[0]. */
export function ofBuilder(options: object): object {
  return { builders: [{ ...right.builders[0], ...options }] }
}

/** The errors of the right config with some of its keys replaced. */
export function errorsOf(changes: object): string[] {
  return messagesOf({ ...right, ...changes }, 'error')
}

export function messagesOf(config: unknown, severity: Problem['severity']): string[] {
  return checkConfig(config).flatMap((problem) => (problem.severity === severity ? problem.message : []))
}
