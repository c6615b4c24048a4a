import { allowedEnvironment, allowedNames } from '../../util/allowed-environment.ts'

/**
 * The environment of a command: the allow-listed part of the agent's own, then what the operation adds (null removes).
 * No password, cloud key or `npm_*` of whoever started the agent reaches a build. Throws an Error that names the
 * variable, never its value, when one cannot be passed on.
 */
export function commandEnvironment(
  agent: Readonly<Record<string, string | undefined>>,
  added: Readonly<Record<string, string | null>>,
  commandId: string,
): Record<string, string> {
  const env = allowedEnvironment(agent)
  for (const [name, value] of Object.entries(added)) {
    if (!/^[^=\0]+$/.test(name))
      throw new Error(`${JSON.stringify(name)} cannot name an environment variable`)
    if (value?.includes('\0')) throw new Error(`the environment variable ${name} holds a NUL byte`)
    if (value === null) delete env[name]
    else env[name] = value
  }
  env[commandMark] = commandId
  return env
}

/** The environment of a supervisor: what it hands on to commands, and what Node.js needs to start. */
export function agentEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries([...allowedNames, 'PATH', 'LD_LIBRARY_PATH'].map((name) => [name, env[name]]))
}

/** Marks every process of a command, so that those of a killed agent are told from strangers who got the same process id. */
export const commandMark = 'ROUSE_COMMAND_ID'
