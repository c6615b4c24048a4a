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
  const env = { ...allowedEnvironment(agent), ...passedOn(agent) }
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
  const names = [...allowedNames, 'PATH', 'LD_LIBRARY_PATH', passList]
  return { ...Object.fromEntries(names.map((name) => [name, env[name]])), ...passedOn(env) }
}

// What whoever started the agent has named for commands: in a container the image's own environment.
function passedOn(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = (env[passList] ?? '').split(',').filter((name) => name !== 'PATH')
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}

/** Marks every process of a command, so that those of a killed agent are told from strangers who got the same process id. */
export const commandMark = 'ROUSE_COMMAND_ID'

/** Holds names of further variables that commands may see, separated by commas. */
const passList = 'ROUSE_PASS_ENV'
