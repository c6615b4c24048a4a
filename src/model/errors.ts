/**
 * Every error a user can meet. The code is stable, the advice says what to do; docs/errors.md lists the same codes and
 * a test compares the two. `status` is the HTTP status when the error answers a request.
 */
export const errorCatalogue = {
  ROUSE_AGENT_ALREADY_CONNECTED: {
    status: 409,
    advice:
      'Another agent is connected under this name and answers. Stop it, or give this agent its own name.',
  },
  ROUSE_AGENT_BASE_DIR: {
    status: 500,
    advice: 'Give --base-dir a folder that this user may write to, on a file system of this machine.',
  },
  ROUSE_AGENT_BASE_DIR_IN_USE: {
    status: 409,
    advice: 'Stop the other agent, or give each agent a --base-dir of its own.',
  },
  ROUSE_AGENT_BUNDLE: {
    status: 503,
    advice:
      'In a checkout run `npm run build`; a package that lacks dist/rouse-agent.mjs is to be installed again.',
  },
  ROUSE_AGENT_INSTANCE_ENDS: {
    status: 409,
    advice: 'The master ends this instance; nothing is to be done.',
  },
  ROUSE_AGENT_LOGIN_REFUSED: {
    status: 401,
    advice: "Check --name and the password file against the worker's entry in master.config.ts.",
  },
  ROUSE_AGENT_NOT_RESET: {
    status: 409,
    advice: 'The master resets this machine, or replaces it where it was not reset; nothing is to be done.',
  },
  ROUSE_AGENT_TOO_MANY_FAILURES: {
    status: 429,
    advice:
      'Check name and password; the right password is let in at once, another wrong one only after ten minutes.',
  },
  ROUSE_AGENT_VERSION: {
    status: 426,
    advice: 'Upgrade the older of agent and master: they speak different versions of the protocol.',
  },
  ROUSE_ARTIFACT_DOWNLOAD: {
    status: 500,
    advice: 'Choose an empty folder with --download, on a disk with room, and ask again.',
  },
  ROUSE_ARTIFACT_LOST: {
    status: 410,
    advice:
      'Its file in <dataDir>/artifacts was removed or damaged. Restore it from a backup, or build again.',
  },
  ROUSE_ARTIFACT_UNKNOWN: {
    status: 404,
    advice: 'GET /api/v1/builds/{id}/artifacts lists what a build has stored.',
  },
  ROUSE_BUILDER_UNKNOWN: {
    status: 404,
    advice: 'Run `rouse check` or open the page to see the builders there are.',
  },
  ROUSE_BUILD_UNKNOWN: { status: 404, advice: 'Run `rouse builds` to see the builds there are.' },
  ROUSE_CLUSTER_KEY: {
    status: 500,
    advice:
      'Restore <dataDir>/cluster.key from a backup, or remove it: instances that have not logged in yet are then started anew.',
  },
  ROUSE_CLUSTER_NAME: {
    status: 409,
    advice: 'Give `cluster` in master.config.ts another name, start the master again, and renew then.',
  },
  ROUSE_CLUSTER_NOT_COPIED: {
    status: 409,
    advice: 'Nothing is to be done: its instances are looked after from here.',
  },
  ROUSE_CONFIG_INVALID: {
    status: 422,
    advice: 'Mend the lines above; `rouse check` looks again without starting anything.',
  },
  ROUSE_CONFIG_NOT_FOUND: {
    status: 500,
    advice: 'Run this in the folder of master.config.ts, or name the file with --config.',
  },
  ROUSE_CONFIG_NOT_LOADED: { status: 422, advice: 'The file could not be run; the cause names the line.' },
  ROUSE_DATABASE_FAILED: {
    status: 503,
    advice: 'Check that PostgreSQL runs, that the URL is right, and that its user may create tables.',
  },
  ROUSE_DATABASE_NEWER: {
    status: 500,
    advice: 'This database was written by a newer Rouse. Start that version, or restore a backup.',
  },
  ROUSE_DATA_DIR_IN_USE: {
    status: 409,
    advice: 'Another master runs on this data folder. Stop it with `rouse stop`, or choose another dataDir.',
  },
  ROUSE_DURATION_INVALID: {
    status: 400,
    advice: "Write seconds as a number, or a string such as '90s', '10m', '1h'.",
  },
  ROUSE_EMBEDDED_POSTGRES: {
    status: 500,
    advice:
      'See the server log in <dataDir>/postgres.log, or use your own server with database: "postgres://...".',
  },
  ROUSE_IMAGE_INPUTS: {
    status: 422,
    advice: 'Mend what the message says: `from` and the files of `provision` must be there.',
  },
  ROUSE_IMAGE_IN_USE: {
    status: 409,
    advice: 'Use another one first (`rouse image use`), and wait until no instance is made of it.',
  },
  ROUSE_IMAGE_NOT_SHUT_DOWN: {
    status: 504,
    advice:
      'The system must power off when it is asked to (ACPI: systemd does, else acpid). Give a slow one at libvirt a longer `shutdownTimeout`; then `rouse image build`.',
  },
  ROUSE_IMAGE_UNKNOWN: { status: 404, advice: 'Run `rouse image list` to see the images there are.' },
  ROUSE_INSTALL: {
    status: 500,
    advice: 'Mend what the message says and run it again; what was done already stays.',
  },
  ROUSE_INSTANCE_UNKNOWN: { status: 404, advice: 'GET /api/v1/instances?all=true lists the instances.' },
  ROUSE_INTERNAL: { status: 500, advice: "This is a bug in Rouse. The master's log has the details." },
  ROUSE_LISTEN_FAILED: {
    status: 500,
    advice:
      'Another program uses that address, or it does not exist here. Change listen in master.config.ts.',
  },
  ROUSE_LISTEN_NEEDS_AUTH: {
    status: 500,
    advice:
      "Listen on 127.0.0.1, or write auth: 'none' to open page and API to everyone who reaches the address.",
  },
  ROUSE_LOG_UNKNOWN: { status: 404, advice: 'GET /api/v1/steps/{id}/logs lists the logs of a step.' },
  ROUSE_MASTER_UNREACHABLE: {
    status: 503,
    advice: 'Start the master with `rouse start`, or say where it is with --url or ROUSE_URL.',
  },
  ROUSE_MEDIA_TYPE: { status: 415, advice: 'Send the body as JSON, with Content-Type: application/json.' },
  ROUSE_NODE_TOO_OLD: { status: 500, advice: 'Install Node.js 24 or newer.' },
  ROUSE_NOTICE_UNKNOWN: {
    status: 404,
    advice: 'Run `rouse notices` to see what there is; notices are kept for 30 days after their end.',
  },
  ROUSE_NOT_ALLOWED: { status: 403, advice: 'Ask as a user who may do this.' },
  ROUSE_NOT_A_MASTER: {
    status: 502,
    advice: 'Check the address: --url, ROUSE_URL, or the proxy in front of the master.',
  },
  ROUSE_NOT_FOUND: { status: 404, advice: 'GET /api/v1/openapi.json lists what there is.' },
  ROUSE_NOT_READY: { status: 503, advice: 'The master is starting or stopping. Ask again in a moment.' },
  ROUSE_ORIGIN_REFUSED: {
    status: 403,
    advice:
      "Use the address the master listens on, or set `url` in master.config.ts to the page's public address.",
  },
  ROUSE_PROTOCOL: {
    status: 400,
    advice: 'Agent and master do not understand each other; upgrade the older one.',
  },
  ROUSE_REAP_INCOMPLETE: {
    status: 502,
    advice:
      "See the master's log, mend the way to the provider, and try again: the master does so by itself, too.",
  },
  ROUSE_REQUEST_INVALID: { status: 400, advice: 'See /api/v1/openapi.json for what this address takes.' },
  ROUSE_REQUEST_TOO_LARGE: { status: 413, advice: 'The body is limited to 1 MiB.' },
  ROUSE_REQUEST_UNKNOWN: { status: 404, advice: 'Run `rouse requests` to see the requests there are.' },
  ROUSE_RANGE_INVALID: { status: 416, advice: 'Ask for a range inside it.' },
  ROUSE_SECRET_MISSING: {
    status: 422,
    advice:
      'Set it in the environment, in the file named by <NAME>_FILE, or in the secrets folder beside master.config.ts.',
  },
  ROUSE_SHUTTING_DOWN: { status: 503, advice: 'The master is stopping. Ask again when it is back.' },
  ROUSE_STEP_INVALID: {
    status: 422,
    advice:
      'Mend the step of your config that calls addSteps; `rouse check` cannot see what is added while a build runs.',
  },
  ROUSE_STEP_UNKNOWN: { status: 404, advice: 'GET /api/v1/builds/{id}/steps lists the steps of a build.' },
  ROUSE_STOP_TIMEOUT: {
    status: 504,
    advice: 'It goes on stopping; run `rouse stop` again to wait longer.',
  },
  ROUSE_USAGE: { status: 400, advice: 'Run the command with --help.' },
  ROUSE_WORKER_PASSWORD_FILE: {
    status: 400,
    advice: 'Give --password-file a readable file that holds only the password.',
  },
  ROUSE_WORKER_UNKNOWN: { status: 404, advice: 'Run `rouse workers` to see the workers there are.' },
} as const satisfies Record<string, { status: number; advice: string }>

export type ErrorCode = keyof typeof errorCatalogue

export interface ErrorOptions {
  cause?: unknown
  /** Replaces the catalogue's advice where more is known. */
  advice?: string
}

/** An error meant to be read by a user. */
export class RouseError extends Error {
  override readonly name = 'RouseError'
  readonly code: ErrorCode
  readonly advice: string

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.advice = options.advice ?? errorCatalogue[code].advice
  }

  get status(): number {
    return errorCatalogue[this.code].status
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
