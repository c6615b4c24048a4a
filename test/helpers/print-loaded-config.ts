// Run by test/config/load-config.test.ts in a process of its own: Node itself loads the config there, not vitest.
import { loadConfig } from '../../src/config/load-config.ts'
import { RouseError } from '../../src/model/errors.ts'

const [configFile, timeoutMs] = process.argv.slice(2)
try {
  const loaded = await loadConfig({
    configFile: configFile || undefined,
    cwd: process.cwd(),
    env: process.env,
    ...(timeoutMs && { timeoutMs: Number(timeoutMs) }),
  })
  const frozen = Object.isFrozen(loaded.config)
  process.stdout.write(JSON.stringify({ ...loaded, frozen }))
} catch (error) {
  if (!(error instanceof RouseError)) throw error
  const { code, message, advice } = error
  process.stdout.write(JSON.stringify({ code, message, advice, caused: error.cause !== undefined }))
}
