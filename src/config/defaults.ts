/** What holds where master.config.ts says nothing. Durations in seconds. */
export const defaults = {
  title: 'Rouse',
  listen: { host: '127.0.0.1', port: 8010 },
  dataDir: 'rouse-data',
  secretsDir: 'secrets',
  heartbeatInterval: 30,
  maxDisconnected: 3600,
  maxInfraRetries: 3,
  maxArtifactSize: 1_073_741_824,
  maxLogSize: 209_715_200,
  maxBuilds: 1,
  keepaliveInterval: 3600,
  missingTimeout: 3600,
} as const
