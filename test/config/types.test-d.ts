// Compiled by `tsc`, never run: a config is right or wrong before anything is started.
import {
  defineMaster,
  git,
  httpRequest,
  interpolate,
  localWorker,
  masterShell,
  once,
  overlay,
  secret,
  shell,
  staticWorker,
  step,
  type MasterConfig,
  type PropertyReader,
  type Result,
  type Step,
} from 'rouse'

const steps: Step[] = [
  git({ repo: 'https://git.acme.example/app.git' }),
  shell('npm ci'),
  shell(['make', interpolate('%(prop:target:-all)s')], { timeout: '10m' }),
  step('smoke', async (context): Promise<Result> => {
    const env = { TOKEN: secret('TOKEN'), PLAIN: 'text', GONE: null }
    const { exitCode } = await context.command({ op: 'shell', command: ['true'], env, stdin: secret('KEY') })
    return exitCode === 0 ? 'SUCCESS' : 'FAILURE'
  }),
]
const private_ = [
  git({ repo: 'https://git.acme.example/app.git', credentials: { password: secret('GIT_TOKEN') } }),
  git({
    repo: 'git@git.acme.example:app.git',
    sshKey: secret('DEPLOY_KEY'),
    knownHosts: (p) => String(p.get('hosts')),
  }),
  shell('npm publish', {
    env: { TOKEN: secret('NPM_TOKEN'), OTHER: () => secret('OTHER') },
    stdin: secret('KEY'),
  }),
  masterShell('deploy', { env: { TOKEN: secret('TOKEN') } }),
  httpRequest('https://acme.example/', { headers: { authorization: secret('AUTH') }, body: secret('BODY') }),
]
const workers = [localWorker('local-1')]
const builders = [{ name: 'unit', workers: ['local-1'], steps }]

// Right
const config: MasterConfig = defineMaster({
  title: 'Acme builds',
  listen: { host: '127.0.0.1', port: 8010 },
  database: secret('DATABASE_URL'),
  workers: [
    ...workers,
    staticWorker('bot', {
      password: secret('BOT'),
      properties: { os: 'solaris', tags: ['a', 1, null] },
      keepaliveInterval: null,
      notifyOnMissing: ['bob@acme.example'],
      missingTimeout: '5m',
    }),
  ],
  builders: [
    {
      ...builders[0]!,
      steps: private_,
      env: { TOKEN: secret('TOKEN'), TARGET: (p: PropertyReader) => String(p.get('target', 'all')) },
    },
  ],
  schedulers: [once({ name: 'first', builders: ['unit'] })],
})
defineMaster({ ...config, title: 'Another' })
overlay({ listen: { port: 9000 }, workers: [{ name: 'bot', maxBuilds: 4 }, localWorker('more')] })
overlay({ builders: [{ name: 'unit', workers: ['more'] }], database: 'embedded' })
overlay({})

// Wrong
// @ts-expect-error workers and builders are needed
defineMaster({ title: 'x' })
// @ts-expect-error a misspelt option
defineMaster({ workers, builders, titel: 'x' })
// @ts-expect-error a port is a number
defineMaster({ workers, builders, listen: { host: 'localhost', port: '8010' } })
// @ts-expect-error auth is 'none' or absent
defineMaster({ workers, builders, auth: 'nobody' })
// @ts-expect-error a command is no step
defineMaster({ workers, builders: [{ name: 'unit', workers: ['local-1'], steps: ['npm ci'] }] })
// @ts-expect-error a builder names its workers
defineMaster({ workers, builders: [{ name: 'unit', workers, steps }] })
// @ts-expect-error nothing in a config can be changed
config.title = 'x'
// @ts-expect-error also not deep in it
config.workers[0].name = 'x'
// @ts-expect-error a static worker needs a password
staticWorker('bot', {})
// @ts-expect-error which is an option
staticWorker('bot', 'hunter2')
// @ts-expect-error maxBuilds is a number
staticWorker('bot', { password: 'p', maxBuilds: '2' })
// @ts-expect-error a misspelt option
staticWorker('bot', { password: 'p', maxBuild: 2 })
// @ts-expect-error properties are JSON
staticWorker('bot', { password: 'p', properties: { f: () => 1 } })
// @ts-expect-error a secret is no property
staticWorker('bot', { password: 'p', properties: { token: secret('T') } })
// @ts-expect-error nor an argument of a command
shell(['echo', secret('T')])
// @ts-expect-error a password of git is a secret
git({ repo: 'https://git.acme.example/', credentials: { password: 'p' } })
// @ts-expect-error a local worker has no password
localWorker('l', { password: 'p' })
// @ts-expect-error a local worker is not missed
localWorker('l', { missingTimeout: 3 })
// @ts-expect-error a scheduler has a name
once({ builders: ['unit'] })
// @ts-expect-error a step's function returns a result or nothing
step('s', async () => 'OK')
// @ts-expect-error an overlay's worker has a name
overlay({ workers: [{ maxBuilds: 2 }] })
// @ts-expect-error an overlay's options are those of the config
overlay({ titel: 'x' })
