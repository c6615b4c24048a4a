import { defineMaster, localWorker, shell, staticWorker, step, type BuilderConfig, type Step } from 'rouse'

const count = 'i=0; until [ -e stop ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done; echo "last line"'

const builder = (name: string, steps: readonly Step[], workers = ['local-1']): BuilderConfig => ({
  name,
  workers,
  steps,
})

/** Builders of cli.test.ts: one for each result, and some that last. */
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT ?? 8010) },
  workers: [
    localWorker('local-1', { maxBuilds: 4 }),
    localWorker('local-2'),
    staticWorker('bot', { password: 'b0t' }),
    staticWorker('away', { password: 'away' }),
  ],
  builders: [
    builder('good', [
      shell('echo "to $USER_NAME"; echo oops >&2', {
        name: 'greet',
        env: { USER_NAME: (p) => String(p.get('who')) },
      }),
      shell('printf "no end"', { name: 'open' }),
    ]),
    builder('warns', [step('warn', async () => ({ result: 'WARNINGS', summary: '2 warnings' }))]),
    builder('bad', [
      shell('echo before; exit 3', { name: 'break' }),
      shell('true', { name: 'after' }),
      shell('echo cleaned', { name: 'cleanup', alwaysRun: true }),
    ]),
    builder('throws', [
      step('boom', async () => {
        throw new Error('kaboom')
      }),
    ]),
    builder('skips', [shell('true', { doStepIf: false })]),
    builder('lasts', [shell(`touch started; ${count}`, { name: 'count' })]),
    builder(
      'busy',
      [shell('touch started; until [ -e stop ]; do sleep 0.05; done', { name: 'wait' })],
      ['local-2'],
    ),
    builder('remote', [shell(`touch started; ${count}`, { name: 'count' })], ['bot']),
    builder('nobody', [shell('true')], ['away']),
  ],
})
