import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { artifactNameProblem } from '../model/artifact-name.ts'
import type { CommandResult, TransferOperation } from '../protocol/operation.ts'
import type { ReceivedFile } from '../protocol/transfer/file-receiver.ts'
import type { ArtifactFacts, CommandOutcome, UploadOutcome, UploadRequest } from '../steps/step.ts'
import type { IncomingArtifact } from './artifact-store.ts'
import { ArtifactUpload } from './artifact-upload.ts'
import type { StepHost } from './build-tools.ts'
import { InfrastructureFailure } from './command.ts'
import type { Transfer } from './transfer.ts'

/** Runs an operation with the master's end of its file, which is made once the command has its id. */
export type RunTransfer = (
  operation: TransferOperation,
  begin: (command: string) => Promise<Transfer>,
) => Promise<{ id: string; result: CommandResult }>

/** Stores a file of the worker as an artifact. Throws InfrastructureFailure when the master cannot store it. */
export async function uploadArtifact(
  host: StepHost,
  stepId: number,
  { folder = false, name, path, type }: UploadRequest,
  run: RunTransfer,
): Promise<UploadOutcome> {
  const { claimed, tools } = host
  const problem = artifactNameProblem(name)
  if (problem !== undefined) throw new TypeError(problem)
  const { maxBytes, store } = tools.artifacts
  let file: IncomingArtifact | undefined
  let upload: ArtifactUpload | undefined
  const begin = async (command: string) => {
    const incoming = await store.create(claimed.id, command)
    file = incoming
    upload = new ArtifactUpload({
      file: incoming,
      maxBytes,
      store: (received) => {
        const row = { build_id: claimed.id, step_id: stepId, name, path: incoming.path, type, ...received }
        return host.commit.write((trx) => storeArtifact(trx, row))
      },
    })
    return upload
  }
  try {
    const { id, result } = await run({ op: folder ? 'uploadDirectory' : 'uploadFile', path, maxBytes }, begin)
    const artifact = await findArtifact(tools.db, claimed.id, store.nameOf(claimed.id, id))
    if (artifact) return { exitCode: 0, signal: null, reason: null, stdout: '', artifact }
    if (upload?.failure)
      throw new InfrastructureFailure(`the artifact could not be stored: ${upload.failure.message}`)
    // Cancelled by nobody but the master, who did not want the file.
    if (result.reason === 'cancelled' && host.cancelReason === undefined) return failed(result.message)
    return result.exitCode === 0
      ? failed('the agent ended before the file was whole')
      : { ...result, stdout: '' }
  } finally {
    upload?.end()
    await upload?.settled
    await file?.close()
  }
}

interface ArtifactRow extends ReceivedFile {
  readonly build_id: number
  readonly step_id: number
  readonly name: string
  readonly path: string
  readonly type: string
}

/** Returns why it cannot be. May run again, for the same command: then it finds its own. */
export async function storeArtifact(
  trx: Transaction<Database>,
  row: ArtifactRow,
): Promise<string | undefined> {
  const { path, sha256, size } = row
  const stored = await trx
    .insertInto('artifacts')
    .values(row)
    .onConflict((oc) =>
      oc.columns(['build_id', 'name']).doUpdateSet({ size, sha256 }).where('artifacts.path', '=', path),
    )
    .returning('id')
    .executeTakeFirst()
  return stored ? undefined : `the build has an artifact "${row.name}" already`
}

async function findArtifact(
  db: Kysely<Database>,
  buildId: number,
  path: string,
): Promise<ArtifactFacts | undefined> {
  return db
    .selectFrom('artifacts')
    .select(['id', 'name', 'type', 'size', 'sha256'])
    .where('build_id', '=', buildId)
    .where('path', '=', path)
    .executeTakeFirst()
}

function failed(message = 'the master did not want the file'): CommandOutcome {
  return { exitCode: 1, signal: null, reason: null, message, stdout: '' }
}
