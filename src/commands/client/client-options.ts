import { type Command, Option } from 'commander'
import { findMaster, type FindOptions } from './find-master.ts'
import { MasterClient } from './master-client.ts'

export interface ClientOptions extends FindOptions {
  readonly json?: boolean
}

/** Adds the options that every command takes which asks a master. */
export function withClientOptions(command: Command): Command {
  return command
    .addOption(
      common('--url <url>', "the master's address; else ROUSE_URL, rouse-data/master.json, 127.0.0.1:8010"),
    )
    .addOption(common('--config <file>', 'find the master by the data folder of this config'))
    .addOption(common('--json', 'print JSON'))
}

function common(flags: string, description: string): Option {
  return new Option(flags, description).helpGroup('Options of every command that asks a master:')
}

export async function openClient(options: ClientOptions): Promise<MasterClient> {
  return new MasterClient(await findMaster(options))
}
