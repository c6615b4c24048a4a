import {
  defineMaster,
  git,
  interpolate,
  shell,
  staticWorker,
  type BuilderConfig,
  type GitOptions,
} from 'rouse'

const repo = interpolate('%(prop:repo)s')
const soon = { count: 1, delay: '100ms' }
const show = shell(['git', 'log', '-1', '--format=at %s'], { name: 'show' })

const builder = (name: string, options: Partial<GitOptions> = {}, steps = [show]): BuilderConfig => ({
  name,
  workers: ['bot'],
  steps: [git({ repo, retry: soon, ...options }), ...steps],
})

const litter = shell('ls; echo x > untracked; echo x > ignored.o; echo changed > file', { name: 'litter' })

/** Builders of git-step.test.ts, all on one static worker; the property `repo` names the repository. */
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT) },
  workers: [staticWorker('bot', { password: 'b0t', maxBuilds: 4 })],
  builders: [
    builder('plain'),
    builder('ofBranch', { branch: (p) => String(p.get('line', 'dev')) }),
    builder('below', { workdir: 'deep/src' }, [shell('git -C deep/src log -1 --format="at %s"')]),
    builder('all', { clean: 'all' }, [litter]),
    builder('untracked', { clean: 'untracked' }, [litter]),
    builder('none', { clean: 'none' }, [litter]),
    builder('property', {}, [shell(['echo', interpolate('got %(prop:got_revision)s')])]),
    builder('patient', { retry: { count: 100, delay: '100ms' } }),
    { ...builder('withoutGit', { retry: { count: 3, delay: '1h' } }), env: { PATH: '/nowhere' } },
  ],
})
