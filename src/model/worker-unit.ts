/** What a systemd unit of an agent says beside what holds for all of them. */
export interface WorkerUnit {
  readonly name: string
  /** As systemd reads it: words of plain characters. */
  readonly command: string
  readonly user: string
  /** 'yes' where nothing that the agent needs is in /home or /root. */
  readonly protectHome: string
}

/** The unit of an agent. Builds may do what they need, and nothing to the machine itself. */
export function workerUnit({ command, name, protectHome, user }: WorkerUnit): string {
  return `[Unit]
Description=Rouse worker ${name}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${command}
# Finishes the running builds, then starts again: after an upgrade of the agent.
ExecReload=/bin/kill -TERM $MAINPID
User=${user}
Restart=always
RestartSec=10
# A stop lets the running builds finish, for so long; what still runs then goes on, and the next start finds it.
KillMode=process
TimeoutStopSec=10min
# A build that takes too much memory takes nobody with it.
OOMPolicy=continue
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=full
ProtectHome=${protectHome}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictRealtime=yes

[Install]
WantedBy=multi-user.target
`
}
