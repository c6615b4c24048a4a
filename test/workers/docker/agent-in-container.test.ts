import { once } from 'node:events'
import { chmod, mkdir } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { call } from '../../backends/contract/contract-context.ts'
import { engineForFile } from '../../helpers/docker/engine-for-file.ts'
import { nodeImage, olderImage, plainImage } from '../../helpers/docker/test-images.ts'
import { WireMaster } from '../../agent/wire-master.ts'

const engine = engineForFile(plainImage, nodeImage, olderImage)

test('an image without Node.js runs builds, which see neither our Node.js nor its libraries', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const { agentOf, backend, spec } = await engine.open({
    image: plainImage,
    network: 'host',
    env: { GREETING: "it's here", LD_LIBRARY_PATH: '/opt/cuda' },
  })
  await backend.start(spec({ id: 'bot', agent: agentOf(master.url) }), call())
  await master.connected()
  const command = master.shell(
    'command -v node; env | sort; git --version; id -u; pwd; stat -c "%a %u" /rouse/token',
  )
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  const lines = command.text('stdout').trim().split('\n')
  expect(lines).toContain("GREETING=it's here")
  expect(lines.filter((line) => line.startsWith('LD_LIBRARY_PATH'))).toEqual([])
  expect(lines[0], 'no node on the PATH').toMatch(/^GREETING=/)
  expect(lines.slice(-4)).toEqual([
    expect.stringMatching(/^git version/),
    '0',
    '/rouse/work/builder/0',
    '600 0',
  ])
})

test('an image with a Node.js of its own runs the agent on it, as its own user, with its own environment', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const options = {
    image: nodeImage,
    network: 'host',
    user: 'builder',
    env: { LD_LIBRARY_PATH: '/opt/cuda' },
  }
  const { agentOf, backend, spec } = await engine.open(options)
  await backend.start(spec({ id: 'bot', agent: agentOf('ws://127.0.0.1:1', master.url) }), call())
  await master.connected()
  const command = master.shell(
    'echo $JAVA_HOME $LD_LIBRARY_PATH $HOME; id -u; id -g; stat -c "%a %u" /rouse/token; tr "\\0" " " </proc/$PPID/cmdline',
  )
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text('stdout')).toMatch(
    /^\/opt\/java \/opt\/cuda \/home\/builder\n1234\n1234\n600 1234\n\/usr\/local\/bin\/node \/rouse\/runtime\/rouse-agent\.mjs /,
  )
})

test('an image with an older glibc and no libstdc++ runs builds, which see its own glibc', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const { agentOf, backend, spec } = await engine.open({ image: olderImage, network: 'host' })
  await backend.start(spec({ id: 'bot', agent: agentOf(master.url) }), call())
  await master.connected()
  const command = master.shell(
    'env | grep LD_; grep -o "libc-.*" /proc/self/maps | sort -u; cat /etc/debian_version',
  )
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text('stdout')).toMatch(/^libc-2\.31\.so\n11\./)
})

test('processes that a build leaves behind do not stay as zombies', async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const { agentOf, backend, spec } = await engine.open({ image: plainImage, network: 'host' })
  await backend.start(spec({ id: 'bot', agent: agentOf(master.url) }), call())
  await master.connected()
  const command = master.shell('(sleep 0.1 &) ; sleep 0.5; ps -eo stat= | grep -c Z')
  expect(await command.done()).toMatchObject({ exitCode: 1 })
  expect(command.text('stdout')).toBe('0\n')
})

test("the user's own command runs first and hands over to the agent", async ({ skip }) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const command = ['/bin/bash', '-c', 'echo ready > /tmp/before; exec /rouse/agent']
  const { agentOf, backend, spec } = await engine.open({ image: plainImage, network: 'host', command })
  await backend.start(spec({ id: 'bot', agent: agentOf(master.url) }), call())
  await master.connected()
  const seen = master.shell('cat /tmp/before')
  expect(await seen.done()).toMatchObject({ exitCode: 0 })
  expect(seen.text('stdout')).toBe('ready\n')
})

test('an agent without any network reaches the master by its socket, also as an unprivileged user', async ({
  skip,
}) => {
  if (engine.missing) return skip(engine.missing)
  const master = await WireMaster.start()
  const path = join(engine.folder, 'sockets/agents.sock')
  await mkdir(join(engine.folder, 'sockets'), { recursive: true })
  const server = createServer((socket) => {
    const upstream = connect(master.port, '127.0.0.1')
    socket.pipe(upstream).pipe(socket)
    for (const one of [socket, upstream])
      one.on('error', () => [socket, upstream].map((two) => two.destroy()))
  }).listen(path)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  await chmod(path, 0o666)
  const { agentOf, backend, spec } = await engine.open({
    image: plainImage,
    network: 'none',
    user: 'builder',
  })
  await backend.start(spec({ id: 'bot', agent: agentOf(`unix:${path}`) }), call())
  await master.connected()
  expect(master.credentials[0]).toMatch(/^[\w-]{43}$/)
  const command = master.shell('id -un; ls /sys/class/net')
  expect(await command.done()).toMatchObject({ exitCode: 0 })
  expect(command.text('stdout')).toBe('builder\nlo\n')
})
