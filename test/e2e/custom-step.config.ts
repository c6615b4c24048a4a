import { defineMaster, shell, staticWorker, step, type BuilderConfig, type Step } from 'rouse'

/** What a config that no editor has looked at may hold. */
const wrong = <T>(value: unknown) => value as T

const throwing = (message: string) => () => {
  throw new Error(message)
}

const thrown: Record<string, Step> = {
  commandThrows: shell(throwing('no command today')),
  wordThrows: shell(['echo', throwing('no word today')]),
  envThrows: shell('env', { env: throwing('no env today') }),
  variableThrows: shell('env', { env: { A: throwing('no variable today') } }),
  doStepIfThrows: shell('echo ran', { doStepIf: throwing('cannot say') }),
  doStepIfLater: shell('echo ran', { doStepIf: wrong<boolean>(async () => false) }),
  wordUndefined: shell(['echo', wrong<() => string>(() => undefined)]),
  commandPromise: shell(wrong<() => string>(async () => 'echo later')),
  commandEmpty: shell(['echo', 'x'], { workdir: () => '' }),
  variableNumber: shell('env', { env: { PORT: wrong<() => string>(() => 8080) } }),
  tooLarge: shell(['true', ...Array.from({ length: 10 }, () => () => 'x'.repeat(120_000))]),
  stdinTooLarge: shell('true', { stdin: () => 'x'.repeat(600_000) }),
}

const nonsense: Record<string, unknown> = {
  returnsText: 'GREAT',
  returnsNull: null,
  returnsNumber: 42,
  returnsArray: ['SUCCESS'],
  returnsWrongResult: { result: 'success' },
  returnsFunction: () => 'SUCCESS',
}
const circular: Record<string, unknown> = { self: null }
circular['self'] = circular
nonsense['returnsCircular'] = circular

const custom: Record<string, Step> = {
  throwsText: step('it', async () => {
    throw 'only text' // oxlint-disable-line no-throw-literal, typescript/only-throw-error
  }),
  throwsNul: step('it', async () => {
    throw new Error('a\0b')
  }),
  throwsAtOnce: step('it', wrong(throwing('before any promise'))),
  unknownOperation: step('it', async (context) => {
    await context.command(wrong({ op: 'format-disk' }))
  }),
  summaryNul: step('it', async () => ({ result: 'FAILURE', summary: 'a\0b' })),
  summaryNumber: step('it', async () => ({ result: 'WARNINGS', summary: wrong<string>(3) })),
  together: step('it', async (context) => {
    const say = (word: string) =>
      context.command(
        {
          op: 'shell',
          command: `touch ${word}; until [ -e one ] && [ -e two ]; do sleep 0.05; done; echo ${word}`,
        },
        { key: word, capture: 100 },
      )
    const [one, two] = await Promise.all([say('one'), say('two')])
    await context.note(`${one.stdout.trim()} and ${two.stdout.trim()}`)
  }),
  sameKey: step('it', async (context) => {
    const wait = () => context.command({ op: 'shell', command: 'touch began; sleep 600' }, { key: 'k' })
    await Promise.all([wait(), wait()])
  }),
  unawaited: step('it', async (context) => {
    void context.command({ op: 'shell', command: 'echo $$ > pid; sleep 600', grace: '200ms' })
    await context.command(
      { op: 'shell', command: 'until [ -s pid ]; do sleep 0.05; done' },
      { key: 'second' },
    )
  }),
  forgets: step('it', async () => {
    void Promise.reject(new Error('nobody waits for me'))
  }),
  properties: step('it', async (context) => {
    await context.setProperty('nul', 'a\0b')
    await context.setProperty('list', [1, { deep: true }])
    await context.setProperty('date', wrong(new Date(0)))
    return {
      result: 'SUCCESS',
      summary: JSON.stringify([context.properties.get('list'), context.properties.get('date')]),
    }
  }),
  propertyFunction: step('it', async (context) =>
    context.setProperty(
      'f',
      wrong(() => 1),
    ),
  ),
  notes: step('it', async (context) => {
    await context.note('one\ntwo')
    await context.note('x'.repeat(300_000))
    await context.note('nul \0 and half \ud800')
  }),
  late: step('it', async (context) => {
    setTimeout(() => {
      context
        .command({ op: 'shell', command: 'touch late' })
        .catch(() => context.note('late').catch(() => {}))
    }, 50)
  }),
  again: step('it', async (context) =>
    context.build.attempt < 3 ? { result: 'RETRY', summary: 'not this time' } : 'SUCCESS',
  ),
}

const several: Record<string, readonly Step[]> = {
  waits: [shell('touch started; until [ -e go ]; do sleep 0.05; done; echo went on')],
  fine: [shell('echo fine')],
  missing: [shell(['no-such-program'])],
  flags: [
    shell('exit 1', { name: 'ignored', flunkOnFailure: false, haltOnFailure: false }),
    shell('exit 1', { name: 'counted', haltOnFailure: false }),
    shell('true', { name: 'goes on' }),
    shell('exit 1', { name: 'halts' }),
    shell('true', { name: 'skipped' }),
    shell('true', { name: 'always', alwaysRun: true }),
    shell('true', { name: 'always but not wanted', alwaysRun: true, doStepIf: false }),
  ],
  conditions: [
    step('set', async (context) => {
      await context.setProperty('wanted', 'yes')
      return 'WARNINGS'
    }),
    shell('true', { name: 'by property', doStepIf: (p) => p.get('wanted') === 'yes' }),
    shell('true', { name: 'not by property', doStepIf: (p) => p.has('unwanted') }),
    shell('true', { name: 'by result', doStepIf: (_, result) => result === 'WARNINGS' }),
  ],
  nothing: [
    shell('true', { name: 'a', doStepIf: false }),
    shell('exit 3', { name: 'b', decodeRC: { 3: 'SKIPPED' } }),
  ],
  haltsHere: [
    shell('touch mark', { name: 'first', doStepIf: throwing('cannot say') }),
    shell('echo cleaned', { name: 'cleanup', alwaysRun: true }),
  ],
  deaf: [
    step('deaf', async (context) => {
      await context.command({ op: 'shell', command: 'touch began' })
      await new Promise<never>(() => {})
    }),
    shell('echo cleaned', { name: 'cleanup', alwaysRun: true }),
  ],
  heedless: [
    step('heedless', async (context) => {
      await context.command({ op: 'shell', command: 'touch began; sleep 600', grace: 0 })
      return 'SUCCESS'
    }),
    shell('echo more', { name: 'more' }),
    shell('echo cleaned', { name: 'cleanup', alwaysRun: true }),
  ],
}

const builder = (name: string, steps: readonly Step[]): BuilderConfig => ({ name, workers: ['bot'], steps })

/** Builders whose steps do what a config may do, right and wrong, on one static worker. */
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
  workers: [staticWorker('bot', { password: 'b0t', maxBuilds: 4 })],
  builders: [
    ...Object.entries({ ...thrown, ...custom }).map(([name, one]) => builder(name, [one])),
    ...Object.entries(nonsense).map(([name, value]) => builder(name, [step('it', async () => wrong(value))])),
    ...Object.entries(several).map(([name, steps]) => builder(name, steps)),
    { ...builder('builderEnvThrows', [shell('true')]), env: { A: throwing('no builder env today') } },
  ],
})
