import type { Kysely } from 'kysely'
import type { Database } from '../../src/db/schema.ts'

/** 'debian-ci' with an image in use, an older and a failed one, and one that is being built; 'left' with what was in use. */
export async function seedImages(db: Kysely<Database>): Promise<void> {
  await db
    .insertInto('image_names')
    .values({ name: 'debian-ci', used: '2222222222222222', wanted: '4444444444444444' })
    .execute()
  await db.insertInto('image_names').values({ name: 'left', used: '5555555555555555' }).execute()
  const image = (hash: string, state: 'building' | 'failed' | 'ready', daysAgo: number) => {
    const at = new Date(Date.now() - daysAgo * 86_400_000)
    const ref = `default/rouse-image.1a2b3c4d5e6f.debian-ci.${hash}.qcow2`
    return {
      ...{ name: 'debian-ci', hash, state, backend: 'libvirt here', base: '/srv/debian-12.qcow2' },
      ...{ created_at: at, changed_at: at },
      ...(state === 'ready' && { ref, ready_at: at }),
      ...(state === 'failed' && { error: 'build 7 ended in FAILURE: exit code 100' }),
    }
  }
  const all = [
    image('1111111111111111', 'ready', 3),
    image('2222222222222222', 'ready', 0.1),
    image('3333333333333333', 'failed', 0.01),
    image('4444444444444444', 'building', 0.001),
    { ...image('5555555555555555', 'ready', 9), name: 'left' },
  ]
  for (const one of all) await db.insertInto('images').values(one).execute()
}
