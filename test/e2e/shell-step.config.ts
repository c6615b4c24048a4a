import { defineMaster, interpolate, shell, staticWorker, type Step } from 'rouse'

const text = (name: string) => (p: { get(name: string, fallback: string): unknown }) =>
  String(p.get(name, ''))

/** What a config that no editor has looked at may hold. */
const wrong = <T>(value: unknown) => value as T

/** Leaves a process behind that heeds no SIGTERM, writes its process group into a file, and shows for ever that it lives. */
const grandchild = (then: string) =>
  `(trap '' TERM; sh -c 'cut -d" " -f5 /proc/$$/stat > group; while :; do touch alive; sleep 0.1; done' &); until [ -e alive ]; do sleep 0.05; done; ${then}`

const steps: Record<string, Step> = {
  argv: shell([
    'printf',
    '<%s>',
    'a b',
    '',
    '$HOME',
    '*',
    `it's "so"`,
    'new\nline',
    text('who'),
    interpolate('%(prop:who:-x)s %%'),
  ]),
  string: shell('echo "one  two" | tr a-z A-Z; [ -n "$HOME" ] && echo home'),
  environment: shell('env', {
    env: {
      FROM_STEP: 'step',
      CHANGED: 'by step',
      REMOVED: null,
      HOME: null,
      UNTOUCHED: wrong<string>(undefined),
      COMPUTED: text('who'),
      INTERPOLATED: interpolate('%(prop:who)s-%(prop:none:-default)s'),
      MULTILINE: 'a=b\nc',
      UNICODE: 'grüße ☀',
    },
  }),
  environmentOfFunction: shell('echo "$WHO $CHANGED"', { env: (p) => ({ WHO: text('who')(p) }) }),
  workdir: shell('pwd', { workdir: 'made/for it' }),
  workdirOutside: shell('pwd', { workdir: '../../elsewhere' }),
  workdirComputed: shell('pwd', { workdir: interpolate('of-%(prop:who)s') }),
  stdin: shell('cat; echo "<end>"', { stdin: interpolate('grüße %(prop:who)s\nlast line') }),
  stdinNone: shell('cat; echo "<end>"'),
  stdinUnread: shell('true', { stdin: 'x'.repeat(500_000) }),
  talks: shell('for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.4; done', { timeout: '2s' }),
  silent: shell('echo first; sleep 600', { timeout: '300ms' }),
  tooLong: shell('while :; do echo x; sleep 0.05; done', { maxTime: '500ms' }),
  fails: shell('exit 7'),
  crashes: shell('kill -SEGV $$'),
  warns: shell((p) => `exit ${String(p.get('code'))}`, {
    decodeRC: { 2: 'WARNINGS', 3: 'SKIPPED', 4: 'EXCEPTION' },
  }),
  missing: shell(['no-such-program', '--version']),
  notExecutable: shell('printf data > file; exec ./file'),
  bytes: shell(['cat', text('file')]),
  live: shell(
    'echo out 1; until [ -e a ]; do sleep 0.05; done; echo err 1 >&2; until [ -e b ]; do sleep 0.05; done; printf "out 2"; until [ -e c ]; do sleep 0.05; done; printf "err 2" >&2; exit 5',
  ),
  grandchildCancelled: shell(grandchild('sleep 600'), { timeout: 0, grace: '200ms' }),
  grandchildSilent: shell(grandchild('exec >/dev/null; sleep 600'), { timeout: '500ms', grace: '200ms' }),
  grandchildLeft: shell(grandchild('echo done')),
}

/** Builders of one step each, on one static worker. */
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
  workers: [
    staticWorker('bot', {
      password: 'b0t',
      maxBuilds: 4,
      env: { FROM_WORKER: 'worker', CHANGED: 'by worker', REMOVED: 'not yet', UNTOUCHED: 'as it was' },
    }),
  ],
  builders: Object.entries(steps).map(([name, step]) => ({
    name,
    workers: ['bot'],
    steps: [step],
    env: { FROM_BUILDER: 'builder', CHANGED: 'by builder' },
  })),
})
