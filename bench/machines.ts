import { openLibvirtBackend, noAgent, templateOf } from '../test/helpers/libvirt/daemon-for-file.ts'
import { guestOptions } from '../test/helpers/libvirt/guest-options.ts'
import { LibvirtDaemon } from '../test/helpers/libvirt/libvirt-daemon.ts'
import { ObedientGuests } from '../test/helpers/libvirt/obedient-guests.ts'
import { testGuest } from '../test/helpers/libvirt/test-guest.ts'
import type { OnEnd } from '../test/helpers/master-process.ts'
import { median, type Row } from './row.ts'

const samples = 3

/** A virtual machine's boot, snapshot and way back by the libvirt backend, beside bare virsh on the same machine. A text says why not. */
export async function measureMachines(onEnd: OnEnd): Promise<readonly Row[] | string> {
  const guest = await testGuest()
  if (typeof guest === 'string') return guest
  const daemon = await LibvirtDaemon.start()
  if (typeof daemon === 'string') return daemon
  onEnd(() => daemon.stop())
  const guests = await ObedientGuests.start()
  onEnd(() => guests.close())
  const options = {
    ...guestOptions(daemon.uri, guest),
    reset: 'snapshot',
    setup: guests.setup,
  } as const
  const backend = await openLibvirtBackend(options, 'bench')
  onEnd(async () => await backend.close?.())
  const signal = AbortSignal.timeout(longestMs)
  const [id, token] = ['rouse-bench', 'bench']
  const spec = {
    ...{ id, token, worker: 'virt', name: 'virt/1', template: templateOf(options), agent: noAgent },
    ...{ generation: 1, expiresAt: new Date(Date.now() + longestMs) },
  }
  const answer = () => guests.run(id, 'echo here')
  const times = { boot: new Times(), snapshot: new Times(), revert: new Times() }
  for (let sample = 0; sample < samples; sample++) {
    await times.boot.ours(async () => {
      await backend.start(spec, { signal })
      await answer()
    })
    await times.snapshot.ours(() => backend.seal!(id, { signal }))
    await times.snapshot.bare(() => daemon.virsh('snapshot-create-as', id, 'bare'))
    for (let generation = 2; generation < 5; generation++) {
      await times.revert.ours(() => backend.reset!({ ...spec, generation }, { signal }))
      await times.revert.bare(() => daemon.virsh('snapshot-revert', id, 'bare'))
    }
    await daemon.virsh('destroy', id)
    await times.boot.bare(async () => {
      await daemon.virsh('start', id)
      await answer()
    })
    await backend.stop(id, { signal })
  }
  return [
    times.boot.row(
      'boot of a virtual machine, its disk made and its seed read, to its first word',
      'virsh start',
    ),
    times.snapshot.row('snapshot of a running machine, once its agent was heard', 'virsh snapshot-create-as'),
    times.revert.row('a machine back at its snapshot, its new token taken', 'virsh snapshot-revert'),
  ]
}

/** Milliseconds of the same thing done by us and by bare virsh. */
class Times {
  readonly #ours: number[] = []
  readonly #bare: number[] = []

  async ours(work: () => Promise<unknown>): Promise<void> {
    this.#ours.push(await timed(work))
  }

  async bare(work: () => Promise<unknown>): Promise<void> {
    this.#bare.push(await timed(work))
  }

  row(claim: string, command: string): Row {
    const [ours, bare] = [median(this.#ours), median(this.#bare)]
    return {
      claim: `${claim} (QEMU by emulation, median of ${this.#ours.length})`,
      measured: `${(ours / 1000).toFixed(2)} s, worst ${(Math.max(...this.#ours) / 1000).toFixed(2)} s`,
      limit: `${(bare / 1000).toFixed(2)} s by ${command}`,
      ratio: `${(ours / bare).toFixed(2)} times ${command}`,
    }
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

const longestMs = 600_000
