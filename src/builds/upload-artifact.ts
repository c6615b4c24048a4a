import type { Transaction } from 'kysely'
import type { Database } from '../db/schema.ts'
import { artifactNameProblem } from '../model/artifact-name.ts'
import type { TransferOperation } from '../protocol/operation.ts'
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
) => Promise<CommandOutcome>

/** Stores a file of the worker as an artifact. Throws InfrastructureFailure when the master cannot store it. */
export async function uploadArtifact(
  { claimed, tools }: StepHost,
  stepId: number,
  { folder = false, name, path, type }: UploadRequest,
  run: RunTransfer,
): Promise<UploadOutcome> {
  const problem = artifactNameProblem(name)
  if (problem !== undefined) throw new TypeError(problem)
  const { maxBytes, store } = tools.artifacts
  let artifact: ArtifactFacts | undefined
  let file: IncomingArtifact | undefined
  let upload: ArtifactUpload | undefined
  const begin = async (command: string) => {
    const incoming = await store.create(claimed.id, command)
    file = incoming
    upload = new ArtifactUpload({
      file: incoming,
      maxBytes,
      store: async (received) => {
        const row = { build_id: claimed.id, step_id: stepId, name, path: incoming.path, type, ...received }
        const stored = await tools.commit.write((trx) => storeArtifact(trx, row))
        if (typeof stored === 'string') return stored
        artifact = { id: stored, name, type, ...received }
        return undefined
      },
    })
    return upload
  }
  try {
    const outcome = await run({ op: folder ? 'uploadDirectory' : 'uploadFile', path, maxBytes }, begin)
    return outcomeOf(outcome, artifact, upload)
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

/** Returns its id, or why it cannot be. May run again after a commit whose answer was lost: then it finds its own. */
export async function storeArtifact(trx: Transaction<Database>, row: ArtifactRow): Promise<number | string> {
  await trx
    .insertInto('artifacts')
    .values(row)
    .onConflict((oc) => oc.columns(['build_id', 'name']).doNothing())
    .execute()
  const { id, path } = await trx
    .selectFrom('artifacts')
    .select(['id', 'path'])
    .where('build_id', '=', row.build_id)
    .where('name', '=', row.name)
    .executeTakeFirstOrThrow()
  return path === row.path ? id : `the build has an artifact "${row.name}" already`
}

function outcomeOf(
  outcome: CommandOutcome,
  artifact: ArtifactFacts | undefined,
  upload: ArtifactUpload | undefined,
): UploadOutcome {
  if (artifact) return { ...outcome, exitCode: 0, signal: null, reason: null, artifact }
  if (upload?.refusal !== undefined) return failed(upload.refusal)
  if (upload?.failure)
    throw new InfrastructureFailure(`the artifact could not be stored: ${upload.failure.message}`)
  return outcome.exitCode === 0 ? failed('the agent ended before the file was whole') : outcome
}

function failed(message: string): CommandOutcome {
  return { exitCode: 1, signal: null, reason: null, message, stdout: '' }
}
