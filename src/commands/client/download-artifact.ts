import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { artifactNameProblem } from '../../model/artifact-name.ts'
import { messageOf, RouseError } from '../../model/errors.ts'
import type { ApiArtifact } from '../../web/api.ts'
import type { MasterClient } from './master-client.ts'

/**
 * Stores an artifact below a folder under its name and returns the path. Throws ROUSE_ARTIFACT_DOWNLOAD when there is a
 * file already, or what came is not what the master promised; then nothing is left.
 */
export async function downloadArtifact(
  client: MasterClient,
  { id, name, sha256 }: ApiArtifact,
  dir: string,
  signal: AbortSignal,
): Promise<string> {
  // A master is not trusted either: its names lead nowhere but below the folder.
  const problem = artifactNameProblem(name)
  if (problem !== undefined) throw failure(problem)
  const path = join(dir, name)
  // Not longer than any name may be, however long the artifact's own is.
  const temporary = join(dirname(path), `.${randomUUID()}.part`)
  const hash = createHash('sha256')
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'wx')
    try {
      for await (const bytes of client.artifact(id, signal)) {
        hash.update(bytes)
        await file.writeFile(bytes)
      }
    } finally {
      await file.close()
    }
    if (hash.digest('hex') !== sha256) throw failure(`artifact "${name}" arrived damaged`)
    // Unlike a rename, a link never replaces a file.
    await link(temporary, path)
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw failure(`artifact "${name}" cannot be stored: ${messageOf(error)}`)
  } finally {
    await rm(temporary, { force: true })
  }
}

function failure(message: string): RouseError {
  return new RouseError('ROUSE_ARTIFACT_DOWNLOAD', message)
}
