import { Command } from 'commander'
import type { ApiArtifact } from '../web/api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { downloadArtifact } from './client/download-artifact.ts'
import { untilInterrupted } from './follow/interrupt.ts'
import { printJson, printTable, type Columns } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'
import { parseBuildId } from './parse-ids.ts'

interface ArtifactsOptions extends ClientOptions {
  readonly download?: string
}

export function artifactsCommand(): Command {
  return withClientOptions(
    new Command('artifacts')
      .description('list what a build has stored, or download it')
      .argument('<build>', 'its number')
      .option('--download <dir>', 'store all of it below this folder; a file that is there already is kept')
      .action(artifacts),
  )
}

async function artifacts(build: string, { download, json, ...options }: ArtifactsOptions): Promise<void> {
  const id = parseBuildId(build)
  const client = await openClient(options)
  const page = await client.list<ApiArtifact>(`/builds/${id}/artifacts`)
  if (download !== undefined) {
    await untilInterrupted(async (signal) => {
      for (const artifact of page.items) {
        const path = await downloadArtifact(client, artifact, download, signal)
        if (!json) await terminalOf(process.stdout).write(`${path}\n`)
      }
    })
    if (!json) return
  }
  if (json) return await printJson(page)
  await printTable(page.items, artifactsTable, 'no artifacts')
}

const artifactsTable: Columns<ApiArtifact> = () => [
  { title: 'ID', text: (artifact) => String(artifact.id), align: 'right' },
  { title: 'NAME', text: (artifact) => artifact.name, cut: true },
  { title: 'BYTES', text: (artifact) => String(artifact.size), align: 'right' },
  { title: 'TYPE', text: (artifact) => artifact.type, cut: true },
  { title: 'STEP', text: (artifact) => artifact.step, cut: true },
  { title: 'SHA256', text: (artifact) => artifact.sha256, cut: true },
]
