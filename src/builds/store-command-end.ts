import { sql } from 'kysely'
import type { GroupCommit } from '../db/group-commit.ts'
import { jsonb } from '../db/jsonb.ts'
import type { CommandResult } from '../protocol/operation.ts'
import { BuildCommit } from './build-commit.ts'
import type { Command } from './command.ts'

/** Stores how a command ended; its output is committed. A late duplicate is dropped: the first commit wins. */
export async function storeCommandEnd(
  { id, logs: [output] }: Command,
  result: CommandResult,
  { commit, epoch }: { readonly commit: Pick<GroupCommit, 'write'>; readonly epoch: number },
): Promise<void> {
  const { log, received } = output!
  await new BuildCommit({ commit, epoch, buildId: log.buildId }).write((trx) =>
    trx
      .updateTable('commands')
      .set({ result: jsonb(result), log_bytes: received, finished_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('finished_at', 'is', null)
      .execute(),
  )
}
