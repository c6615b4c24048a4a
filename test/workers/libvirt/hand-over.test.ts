import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { daemonForFile } from '../../helpers/libvirt/daemon-for-file.ts'
import { smallGuest } from '../../helpers/libvirt/small-guest.ts'
import { testGuest } from '../../helpers/libvirt/test-guest.ts'

const libvirt = daemonForFile()
const within = (seconds: number) => ({ signal: AbortSignal.timeout(seconds * 1000) })

test('more machines than there are processes, none of which takes its token, hold up no other call; an answer that nobody heard is not waited for', async ({
  skip,
}) => {
  if (libvirt.missing) return skip(libvirt.missing)
  const guest = await testGuest()
  if (typeof guest === 'string') return skip(guest)
  const empty = join(libvirt.daemon.images, 'empty.qcow2')
  await promisify(execFile)('qemu-img', ['create', '-q', '-f', 'qcow2', empty, '64M'])
  const { backend, spec } = await libvirt.open({
    ...smallGuest(
      guest,
      // It is ready for ever and takes no token; but for that of its third generation, which it takes without a word.
      `while :; do echo ready >&3; read -t 1 line <&3; case $line in *:3,*) break;; esac; done`,
      'exec 3>&-',
    ),
    ...{ image: 'default/empty.qcow2', reset: 'snapshot' },
  })
  const ids = Array.from({ length: 5 }, (_, i) => `mute-${i}`)
  await Promise.all(ids.map((id) => backend.start(spec({ id }), within(60))))
  await Promise.all(ids.map((id) => backend.seal!(id, within(150))))

  const given = new AbortController()
  const resets = ids.map((id) =>
    backend.reset!(spec({ id, generation: 2 }), given).then(String, (error: unknown) => error),
  )
  // Until all of them wait.
  await backend.list(within(60))
  expect(await backend.list(within(60))).toHaveLength(5)
  given.abort(new Error('enough'))
  for (const error of await Promise.all(resets)) expect(String(error)).toMatch('given up')

  await backend.reset!(spec({ id: 'mute-0', generation: 3 }), within(90))
}, 400_000)
