import { onTestFinished, test } from 'vitest'
import { ownDatabase } from '../builds/test-core.ts'
import type { OnEnd } from '../helpers/master-process.ts'
import { crashRun } from './crash-run.ts'
import { startFakeProvider } from './fake-provider.ts'
test('x', { timeout: 120_000 }, async () => {
  const database = await ownDatabase()
  const onEnd: OnEnd = (release) => onTestFinished(async () => void (await release()))
  const t = Date.now()
  const out = await crashRun({ database, provider: await startFakeProvider(onEnd), onEnd })
  console.log(Date.now() - t, out)
})
