import type { FakeMachine } from '../../../workers/fake/index.ts'
import { image } from '../../../src/config/image.ts'
import type { ImageConfig, ImageOptions } from '../../../src/model/image.ts'
import { builder, LatentWorld, type LatentWorldOptions } from '../latent-world.ts'
import type { RunCommand } from '../machine-agent.ts'

/** `write X` of an image's steps writes on the disk, 'fail' fails; other commands are the world's. */
export function provisioning(command: RunCommand = async () => 0): RunCommand {
  return async (run, machine) => {
    const { operation } = run
    const text = operation.op === 'shell' ? String(operation.command) : ''
    if (text.startsWith('write ')) machine.disk.add(text.slice('write '.length))
    if (text === 'fail') return 1
    return text.startsWith('write ') || text.startsWith('cd /') ? 0 : await command(run, machine)
  }
}

export function ciImage(options: Partial<ImageOptions> = {}): ImageConfig {
  return image('ci', { from: 'base', provision: ['write tools'], ...options })
}

/** One worker 'dock' whose instances are made of the image 'ci'. */
export async function imageWorld(options: LatentWorldOptions = {}): Promise<LatentWorld> {
  return await LatentWorld.open({
    workers: { dock: { image: image('ci') } },
    builders: [builder('unit', 'dock')],
    images: [ciImage()],
    ...options,
    command: provisioning(options.command),
  })
}

export async function imageRows(world: LatentWorld) {
  return await world.database.db.selectFrom('images').selectAll().orderBy('created_at').execute()
}

/** Of the image 'ci'. */
export async function usedHash(world: LatentWorld): Promise<string | null | undefined> {
  const { db } = world.database
  const row = await db.selectFrom('image_names').select('used').where('name', '=', 'ci').executeTakeFirst()
  return row?.used
}

/** Until the name stands for another image than this one; gives its hash. */
export async function untilUsed(world: LatentWorld, before: string | null = null): Promise<string> {
  return await world.until('another image in use', async () => {
    const used = await usedHash(world)
    return used && used !== before ? used : undefined
  })
}

/** Those of worker 'dock'. */
export function docks(world: LatentWorld): FakeMachine[] {
  return world.cloud.machines.filter(({ spec }) => spec.worker === 'dock')
}
