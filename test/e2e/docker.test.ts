import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { engineForFile } from '../helpers/docker/engine-for-file.ts'
import { plainImage } from '../helpers/docker/test-images.ts'
import { runBuild } from '../helpers/run-build.ts'
import { startMaster } from '../helpers/run-master.ts'
import { waitFor } from '../helpers/wait-for.ts'

const engine = engineForFile(plainImage)
const backend = fileURLToPath(new URL('../../workers/docker/index.ts', import.meta.url))

test('a force wakes a container without network, agent and Node.js, the build runs in it, and the container goes', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const options = {
    docker: engine.host,
    image: plainImage,
    network: 'none',
    buildWaitTimeout: 1,
    env: { GREETING: 'hello' },
  }
  const config = `
import { dockerWorker } from '${backend}'
export default rouse.defineMaster({
  listen,
  agents: { listen: [{ path: 'agents.sock' }] },
  workers: [dockerWorker('dock', ${JSON.stringify(options)})],
  builders: [{ name: 'unit', workers: ['dock'], steps: [rouse.shell('echo $GREETING; git --version; pwd')] }],
})`
  const master = await startMaster({ config })
  const build = await runBuild(master, 'unit')
  expect(build).toMatchObject({ result: 'SUCCESS', worker: 'dock' })
  expect(build.text).toMatch(/\nhello\ngit version .*\n\/rouse\/work\/unit\/0\n/)
  const containers = async () => await engine.docker.listContainers({ all: true })
  await waitFor('the container to go', async () => (await containers()).length === 0, { timeout: 90_000 })
}, 180_000)
