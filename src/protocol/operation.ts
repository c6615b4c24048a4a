import Type, { type Static } from 'typebox'
import { logNamePattern, maxLogFiles } from '../model/log-files.ts'

const Path = Type.String({ minLength: 1, maxLength: 4096 })
const LogName = Type.String({ pattern: logNamePattern })
const Seconds = Type.Number({ minimum: 0, maximum: 31_536_000 })
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Env = Type.Record(Type.String(), Type.Union([Type.String({ maxLength: 131_072 }), Type.Null()]))

/**
 * What an agent can be asked to do. Relative paths are below the workspace, which is `<base dir>/<workspace>`;
 * an absolute path is taken as it is.
 */
export const Operation = Type.Union([
  Type.Object({
    op: Type.Literal('shell'),
    /** An argument vector runs as it is; a string runs through `/bin/sh -c`. */
    command: Type.Union([
      Type.String({ minLength: 1, maxLength: 131_072 }),
      Type.Array(Type.String({ maxLength: 131_072 }), { minItems: 1, maxItems: 10_000 }),
    ]),
    workdir: Path,
    /** Added to the allow-listed environment; null removes a name. */
    env: Env,
    /** Seconds of silence after which the process group is killed; 0 is never. */
    timeout: Seconds,
    /** Seconds after which the process group is killed; 0 is never. */
    maxTime: Seconds,
    /** Seconds between SIGTERM and SIGKILL. */
    grace: Seconds,
    stdin: Type.Optional(Type.String({ maxLength: 524_288 })),
    /** Bytes of the log: of a longer one the middle is left out, and a header line says how much. Default 200 MiB. */
    maxLogSize: Type.Optional(Type.Integer({ minimum: 1024, maximum: Number.MAX_SAFE_INTEGER })),
    /**
     * Files that the command writes: what they get while it runs is log 1, 2, ... of the command, in this order. Paths are
     * relative to its workdir and stay within the workspace.
     */
    logFiles: Type.Optional(
      Type.Array(Type.Object({ name: LogName, path: Path }), { maxItems: maxLogFiles }),
    ),
  }),
  Type.Object({ op: Type.Literal('mkdir'), path: Path }),
  Type.Object({ op: Type.Literal('rmdir'), path: Path }),
  Type.Object({ op: Type.Literal('rmfile'), path: Path }),
  Type.Object({ op: Type.Literal('cpdir'), from: Path, to: Path }),
  Type.Object({ op: Type.Literal('stat'), path: Path }),
  Type.Object({ op: Type.Literal('listdir'), path: Path }),
  Type.Object({ op: Type.Literal('glob'), pattern: Path }),
  /** The file goes to the master in file frames; one that is larger is refused. */
  Type.Object({ op: Type.Literal('uploadFile'), path: Path, maxBytes: Count }),
  /** The same for a folder, as a compressed tar archive. */
  Type.Object({ op: Type.Literal('uploadDirectory'), path: Path, maxBytes: Count }),
  /** The file comes from the master in file frames, and is put in its place when it is whole. */
  Type.Object({
    op: Type.Literal('downloadFile'),
    path: Path,
    size: Count,
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    mode: Type.Integer({ minimum: 0, maximum: 0o777 }),
  }),
])
export type Operation = Static<typeof Operation>
export type ShellOperation = Extract<Operation, { op: 'shell' }>
export type TransferOperation = Extract<Operation, { op: 'uploadFile' | 'uploadDirectory' | 'downloadFile' }>

/**
 * How a command ended. `reason` is null when the process ended by itself (then exitCode or signal is set); file
 * operations end with exitCode 0, or 1 and a message. `lost`: the agent knows that it can no longer say.
 * `disconnected`: it was ended because no master was there for `maxDisconnected`.
 */
export const CommandResult = Type.Object({
  exitCode: Type.Union([Type.Integer(), Type.Null()]),
  signal: Type.Union([Type.String({ maxLength: 32 }), Type.Null()]),
  reason: Type.Union([
    Type.Literal('timeout'),
    Type.Literal('maxTime'),
    Type.Literal('cancelled'),
    Type.Literal('notStarted'),
    Type.Literal('lost'),
    Type.Literal('disconnected'),
    Type.Null(),
  ]),
  /** One sentence for people where the fields above do not say it all. */
  message: Type.Optional(Type.String({ maxLength: 4096 })),
  /** What stat, listdir and glob found. */
  data: Type.Optional(Type.Unknown()),
})
export type CommandResult = Static<typeof CommandResult>
