import type { Command } from 'commander'

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Stays in the foreground and minds its own output when a reader goes away. */
  readonly stays?: boolean
  /** Imports the command's file: only the one that is run costs time to load. */
  readonly load: () => Promise<Command>
}

export const commandTable: readonly CommandEntry[] = [
  {
    name: 'start',
    summary: 'start the master and stay in the foreground',
    stays: true,
    load: async () => (await import('./start.ts')).startCommand(),
  },
  {
    name: 'stop',
    summary: 'stop the master of this folder',
    load: async () => (await import('./stop.ts')).stopCommand(),
  },
  {
    name: 'reconfig',
    summary: 'make the running master take its config over',
    load: async () => (await import('./reconfig.ts')).reconfigCommand(),
  },
  {
    name: 'check',
    summary: 'look for mistakes in master.config.ts',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  {
    name: 'worker',
    summary: 'run an agent on this machine',
    stays: true,
    load: async () => (await import('./worker.ts')).workerCommand(),
  },
  {
    name: 'install',
    summary: 'run the master as a systemd unit',
    load: async () => (await import('./install.ts')).installCommand(),
  },
  {
    name: 'force',
    summary: 'queue a build of a builder, and follow it',
    load: async () => (await import('./force.ts')).forceCommand(),
  },
  {
    name: 'builds',
    summary: 'list builds, or show one',
    load: async () => (await import('./builds.ts')).buildsCommand(),
  },
  {
    name: 'logs',
    summary: "print a build's logs, live if wanted",
    load: async () => (await import('./logs.ts')).logsCommand(),
  },
  {
    name: 'artifacts',
    summary: 'list what a build has stored, or download it',
    load: async () => (await import('./artifacts.ts')).artifactsCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel a build or a request',
    load: async () => (await import('./cancel.ts')).cancelCommand(),
  },
  {
    name: 'rebuild',
    summary: 'queue a build once more',
    load: async () => (await import('./rebuild.ts')).rebuildCommand(),
  },
  {
    name: 'requests',
    summary: 'list what waits, and why',
    load: async () => (await import('./requests.ts')).requestsCommand(),
  },
  {
    name: 'workers',
    summary: 'list the workers and what they do',
    load: async () => (await import('./workers.ts')).workersCommand(),
  },
  {
    name: 'instances',
    summary: 'list the instances of latent workers',
    load: async () => (await import('./instances.ts')).instancesCommand(),
  },
  {
    name: 'reap',
    summary: 'end instances that nobody knows any more',
    load: async () => (await import('./reap.ts')).reapCommand(),
  },
  {
    name: 'notices',
    summary: 'list what people and other services are told, or try one again',
    load: async () => (await import('./notices.ts')).noticesCommand(),
  },
  {
    name: 'cluster',
    summary: 'show the cluster, or say whose a copied database is',
    load: async () => (await import('./cluster.ts')).clusterCommand(),
  },
]
