import { defineMaster, git, localWorker, once, shell } from 'rouse'

// Rouse builds itself: the first start of a checkout clones it, installs it, and checks the copy on this machine.
export default defineMaster({
  title: 'Rouse builds itself',
  workers: [localWorker('local-1')],
  builders: [
    {
      name: 'self',
      description: 'Clone, install, typecheck, lint, and the quick part of the tests.',
      workers: ['local-1'],
      steps: [
        git({ repo: import.meta.dirname }),
        shell('npm ci --ignore-scripts --no-audit --no-fund', { name: 'install' }),
        shell('npm run check', { name: 'typecheck' }),
        shell('npm run lint', { name: 'lint' }),
        shell('npm test -- --project unit', { name: 'quick tests' }),
      ],
    },
  ],
  schedulers: [once({ name: 'first-build', builders: ['self'], reason: 'the first start of this checkout' })],
})
