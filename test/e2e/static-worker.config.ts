import { defineMaster, secret, shell, staticWorker } from 'rouse'

/** Builds a package of the npm registry from its tarball and runs the package's own tests, on a static worker. */
export default defineMaster({
  listen: { host: '127.0.0.1', port: Number(process.env.PORT ?? 8010) },
  dataDir: process.env.ROUSE_DATA_DIR ?? 'rouse-data',
  workers: [staticWorker('bot', { password: secret('BOT_PASSWORD'), maxBuilds: 2 })],
  builders: [
    {
      name: 'minimist',
      description: 'the tests that the package brings along',
      workers: ['bot'],
      properties: { version: '1.2.8' },
      steps: [
        shell(['npm', 'pack', '--silent', (p) => `minimist@${String(p.get('version'))}`], { name: 'fetch' }),
        shell('tar xzf minimist-*.tgz', { name: 'unpack' }),
        shell('npm pkg delete devDependencies', { name: 'strip', workdir: 'package' }),
        shell('npm install --no-audit --no-fund --ignore-scripts --no-save --prefer-offline tape@5 nyc@10', {
          name: 'install',
          workdir: 'package',
        }),
        shell('npm run tests-only', { name: 'test', workdir: 'package', timeout: '5m' }),
      ],
    },
  ],
})
