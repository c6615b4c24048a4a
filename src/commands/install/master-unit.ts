export interface MasterUnit {
  readonly name: string
  /** The config's folder. */
  readonly dir: string
  readonly start: string
  readonly reload: string
  readonly user: string
  /** What must be there before. */
  readonly services: readonly string[]
}

/** The systemd unit of a master. What its local workers run outlives it: the next one takes that up. */
export function masterUnit({ dir, name, reload, services, start, user }: MasterUnit): string {
  const after = ['network-online.target', ...services]
  return `[Unit]
Description=Rouse master ${dir}
Wants=${after.join(' ')}
After=${after.join(' ')}

[Service]
ExecStart=${start}
# Takes the config over and says what is wrong with it.
ExecReload=${reload}
WorkingDirectory=${dir}
User=${user}
# For secrets: NAME=value, readable by root only.
EnvironmentFile=-/etc/rouse/${name}.env
Restart=on-failure
RestartSec=5
# Builds of local workers survive a restart.
KillMode=process
TimeoutStopSec=2min
OOMPolicy=continue
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`
}

/** Services of this machine that a config uses. */
export function servicesFor(config: unknown): string[] {
  const { database, workers } = config as { database?: unknown; workers?: unknown }
  const services = new Set<string>()
  if (typeof database === 'string' && /@?(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(database))
    services.add('postgresql.service')
  for (const worker of Array.isArray(workers) ? workers : []) {
    const { key = '', kind = '' } =
      (worker as { backend?: { key?: string; kind?: string } } | undefined)?.backend ?? {}
    // A provider elsewhere is no service here.
    if (key.includes(':///')) for (const service of known[kind] ?? []) services.add(service)
  }
  return [...services]
}

const known: Readonly<Record<string, readonly string[]>> = {
  docker: ['docker.service'],
  libvirt: ['libvirtd.service', 'virtqemud.service'],
}
