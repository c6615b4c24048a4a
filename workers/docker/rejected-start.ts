import { BackendError } from '../../src/latent/backend-error.ts'
import { EngineError } from './engine-error.ts'

/** A container could not be created or started for what its template says: REJECTED. Undefined when that is not known. */
export function rejectedStart(error: unknown, image: string): BackendError | undefined {
  if (!(error instanceof EngineError)) return undefined
  const { message, status } = error
  const reason = reasons.find(({ pattern }) => pattern.test(message))?.say(image)
  if (reason === undefined && status !== 400) return undefined
  return new BackendError('REJECTED', reason === undefined ? message : `${reason} (${message})`, {
    cause: error,
  })
}

const reasons: readonly { pattern: RegExp; say: (image: string) => string }[] = [
  {
    pattern: /exec: "?\/bin\/sh"?: |stat \/bin\/sh: no such file/i,
    say: (image) => `image ${image} has no shell /bin/sh, which the agent needs`,
  },
  { pattern: /exec format error/i, say: (image) => `image ${image} is for another processor` },
  {
    pattern: /unable to find user|no matching entries in passwd/i,
    say: (image) => `user: image ${image} does not have it`,
  },
  { pattern: /network \S+ not found|no such network/i, say: () => 'network: the engine does not have it' },
  { pattern: /exec: .*(not found|no such file|permission denied)/i, say: () => 'command: it cannot be run' },
  {
    pattern: /bind source path does not exist|error mounting|not a directory: unknown/i,
    say: () => 'volumes: one cannot be mounted',
  },
  {
    pattern:
      /could not select device driver|unknown or invalid runtime|unable to apply caps|minimum memory limit|marked read-only|operating system .* cannot be used/i,
    say: () => 'the engine cannot do this',
  },
]
