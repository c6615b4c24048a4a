import { expect, test } from 'vitest'
import { once } from '../../src/config/once.ts'
import { secret } from '../../src/model/secret.ts'
import { shell } from '../../src/steps/shell.ts'
import { step } from '../../src/steps/step.ts'
import { trigger } from '../../src/steps/trigger.ts'
import { errorsOf, ofBuilder, right, smoke } from '../helpers/config-errors.ts'

test.each<[string, object]>([
  [
    'builders[0].workers[1]: builder "unit" names worker "bto"; did you mean "bot"?',
    { workers: ['dock', 'bto'] },
  ],
  [
    'builders[0].workers[0]: builder "unit" names worker "solaris"; the workers are "dock" and "bot"',
    { workers: ['solaris'] },
  ],
  [
    'builders[0].workers[0] must be the name of a worker, got an object; did you mean "dock"?',
    { workers: [right.workers[0]] },
  ],
  [
    'builders[0].workers must be an array with at least one name of a worker, got an empty array',
    { workers: [] },
  ],
  [
    'builders[0].workers must be an array with at least one name of a worker, got "dock"',
    { workers: 'dock' },
  ],
  ['builders[0].steps must be an array with at least one step, got an empty array', { steps: [] }],
  ['builders[0].steps is missing: it must be an array with at least one step', { steps: undefined }],
  [
    "builders[0].env.A must be a string, secret('NAME') or a function of the properties, got null",
    { env: { A: null } },
  ],
  [
    'builders[0].steps[0].secrets[0] must be a secret whose name has letters, digits, "_" and "-", got "a b"',
    { steps: [shell('make', { env: { TOKEN: secret('a b') } })] },
  ],
  [
    "builders[0].steps[0].secrets[1] must be secret('NAME'), got a string",
    { steps: [step('own', async () => {}, { secrets: [secret('A'), 'B' as never] })] },
  ],
  ['builders[0].step is not an option of a builder; did you mean "steps"?', { step: [] }],
])('%s', (message, options) => {
  expect(errorsOf(ofBuilder(options))).toEqual([message])
})

test.each<[string, unknown]>([
  ['this is not a step: got "npm ci"; did you mean shell("npm ci")?', 'npm ci'],
  ['this is not a step: got an array; did you mean shell(["npm", ...])?', ['npm', 'ci']],
  ['this is not a step: got an array; put its steps into this list with "..."', [smoke]],
  ['this is not a step: got the function shell; did you mean shell(...)?', shell],
  [
    `this is not a step: got a function; did you mean step('name', async (context) => { ... })?`,
    (() => async (_context: unknown) => {})(),
  ],
  ['this is not a step: got a promise (it needs an await)', Promise.resolve(smoke)],
  ['this is not a step: got undefined', undefined],
  ['this is not a step: got an object', { name: 'x', run: () => {} }],
  ['step "make": timeout: not a duration: "soon"', shell('make', { timeout: 'soon' })],
])('builders[0].steps[1]: %s', (message, wrong) => {
  expect(errorsOf(ofBuilder({ steps: [smoke, wrong] }))).toEqual([`builders[0].steps[1]: ${message}`])
})

test.each(['haltOnFailure', 'flunkOnFailure', 'warnOnWarnings', 'alwaysRun'])(
  'the flag %s of a step must be true or false',
  (flag) => {
    expect(errorsOf(ofBuilder({ steps: [{ ...smoke, [flag]: 'yes' }] }))).toEqual([
      `builders[0].steps[0].${flag} must be true or false, got "yes"`,
    ])
  },
)

test.each<[string, object]>([
  [
    'schedulers[0].builders[0]: scheduler "first" names builder "unti"; did you mean "unit"?',
    once({ name: 'first', builders: ['unti'] }),
  ],
  [
    'schedulers[0].builders must be an array with at least one name of a builder, got an empty array',
    once({ name: 'first', builders: [] }),
  ],
  [
    'schedulers[0].reason must be a string that is not empty, got 3',
    { ...once({ name: 'first', builders: ['unit'] }), reason: 3 },
  ],
  [
    'schedulers[0].kind is no kind of scheduler: "nightly"; the kinds are "once"',
    { kind: 'nightly', name: 'n', builders: ['unit'] },
  ],
  [
    'schedulers[0] must be a scheduler such as once({ name, builders }), got an object',
    { name: 'n', builders: ['unit'] },
  ],
])('%s', (message, scheduler) => {
  expect(errorsOf({ schedulers: [scheduler] })).toEqual([message])
})

test('two builders cannot have one name', () => {
  expect(errorsOf({ builders: [right.builders[0], right.builders[0]] })).toEqual([
    'builders[1].name "unit" is taken by builders[0]',
  ])
})

test('a trigger step names builders that exist', () => {
  const steps = [smoke, trigger({ builders: ['unit', 'untt', 'deploy'] })]
  expect(errorsOf(ofBuilder({ steps }))).toEqual([
    'builders[0].steps[1].builders[1]: step "trigger unit,untt,deploy" names builder "untt"; did you mean "unit"?',
    'builders[0].steps[1].builders[2]: step "trigger unit,untt,deploy" names builder "deploy"; the builders are "unit"',
  ])
})
