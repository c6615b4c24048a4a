import { expect, test } from 'vitest'
import { startMaster } from '../helpers/run-master.ts'

const secrets = {
  BOT_PASSWORD: 'agent-password-3141',
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE2718',
  AWS_SECRET_ACCESS_KEY: 'aws-secret-1618',
  OS_PASSWORD: 'openstack-1414',
  NPM_TOKEN: 'npm-token-1732',
  npm_config_registry_token: 'npm-config-2236',
  DATABASE_URL: 'postgres://u:database-2645@localhost/x',
  NODE_OPTIONS: '--no-warnings',
}

test('a build sees nothing of the master but the allow-listed environment and what was configured for it', async () => {
  const master = await startMaster({
    env: secrets,
    config: `
const { defineMaster, localWorker, staticWorker, secret, shell } = rouse
export default defineMaster({
  listen,
  workers: [localWorker('local-1', { env: { WANTED: 'yes' } }), staticWorker('bot', { password: secret('BOT_PASSWORD') })],
  builders: ['local-1', 'bot'].map((name) => ({ name, workers: [name], steps: [shell('env; tr "\\\\0" "\\\\n" < /proc/$$/environ')] })),
})`,
  })
  await master.agent('bot', secrets.BOT_PASSWORD)
  for (const builder of ['local-1', 'bot']) {
    const request = await master.request(await master.force(builder))
    expect(request.result).toBe('SUCCESS')
    const text = await master.logText(request.buildIds[0])
    expect(text).toContain(`PATH=`)
    if (builder === 'local-1') expect(text).toContain('WANTED=yes')
    for (const [name, value] of Object.entries(secrets)) {
      expect(text).not.toContain(value)
      expect(text).not.toContain(`${name}=`)
    }
    expect(text).not.toMatch(/node_modules\/\.bin|^npm_/m)
  }
  expect(master.output).not.toContain(secrets.BOT_PASSWORD)
})
