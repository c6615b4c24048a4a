import { Command } from 'commander'
import type { ApiCluster } from '../web/instance-api.ts'
import { type ClientOptions, openClient, withClientOptions } from './client/client-options.ts'
import { printJson } from './output/print.ts'
import { terminalOf } from './output/terminal.ts'

export function clusterCommand(): Command {
  const command = withClientOptions(
    new Command('cluster')
      .description("show the cluster's id, or say whose a copied database is")
      .enablePositionalOptions()
      .addHelpText('after', clusterHelp)
      .action(show),
  )
  const add = (action: 'adopt' | 'renew', description: string) => {
    const child = new Command(action).description(description)
    command.addCommand(withClientOptions(child).action(() => decide(action, child)))
  }
  add('adopt', 'this copy is the cluster now: its instances are looked after from here')
  add('renew', 'this copy is another cluster: it gets a new id and forgets the instances')
  return command
}

async function show({ json, ...options }: ClientOptions): Promise<void> {
  await print(await (await openClient(options)).get<ApiCluster>('/cluster'), json)
}

async function decide(action: string, command: Command): Promise<void> {
  const { json, ...options } = command.optsWithGlobals<ClientOptions>()
  const client = await openClient(options)
  await print(await client.post<ApiCluster>(`/cluster/${action}`, {}), json)
}

async function print(cluster: ApiCluster, json: boolean | undefined): Promise<void> {
  if (json) return await printJson(cluster)
  const held = cluster.held === null ? '' : `\nevery latent worker ${cluster.held}`
  await terminalOf(process.stdout).write(`cluster ${cluster.id}${held}\n`)
}

const clusterHelp = `
When the database was copied or moved, the master starts and ends no instance, because those it knows of may
be looked after by another master. Adopt when the other is gone for good; renew when it lives on.`
