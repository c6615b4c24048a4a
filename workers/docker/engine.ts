import http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { DockerHost } from './docker-host.ts'
import { explainFailure, isNotFound } from './engine-error.ts'

/** One Docker Engine. Each call ends with its signal, and says in its error what failed and where. */
export class Engine {
  readonly host: string
  readonly #docker: Docker
  readonly #agent: http.Agent

  /** Loads dockerode, which is only needed where a config names a Docker worker. Contacts nobody. */
  static async open(host: DockerHost): Promise<Engine> {
    const { default: Client } = await import('dockerode')
    const { name, tls, ...address } = host
    // No kept connections: one that a restarted engine has left would fail the next call.
    const agent = tls ? new https.Agent({ keepAlive: false }) : new http.Agent({ keepAlive: false })
    // All named, because dockerode fills in from DOCKER_HOST what is missing.
    const nothing = { host: undefined, port: undefined, socketPath: undefined, pathPrefix: undefined }
    const secured = { ca: tls?.ca, cert: tls?.cert, key: tls?.key, protocol: tls ? 'https' : 'http' }
    return new Engine(
      name,
      new Client({ ...nothing, ...address, ...secured, agent } as Docker.DockerOptions),
      agent,
    )
  }

  private constructor(host: string, docker: Docker, agent: http.Agent) {
    this.host = host
    this.#docker = docker
    this.#agent = agent
  }

  /** `what` says in an error what was tried. Throws BackendError CAPACITY, EngineError, or Error when there was no answer. */
  async call<T>(what: string, signal: AbortSignal, work: (docker: Docker) => Promise<T>): Promise<T> {
    if (signal.aborted) throw this.#timedOut(what, signal)
    const over = Promise.withResolvers<never>()
    const onAbort = () => over.reject(this.#timedOut(what, signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      // An answer that breaks off is never told by dockerode: the signal ends the wait in any case.
      return await Promise.race([work(this.#docker), over.promise])
    } catch (error) {
      if (signal.aborted) throw this.#timedOut(what, signal)
      throw explainFailure(error, what, this.host)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Resolves to the container's id. */
  async create(what: string, name: string | undefined, config: object, signal: AbortSignal): Promise<string> {
    // Apart, or dockerode would write all of it into the URL as well.
    const options = { _query: name === undefined ? {} : { name }, _body: config, abortSignal: signal }
    const container = await this.call(what, signal, (docker) =>
      docker.createContainer(options as Docker.ContainerCreateOptions),
    )
    return container.id
  }

  /** Unpacks a tar stream in a container, which need not run. */
  async put(what: string, container: string, tar: NodeJS.ReadableStream, signal: AbortSignal): Promise<void> {
    await this.call(what, signal, (docker) =>
      docker.getContainer(container).putArchive(tar, { path: '/', abortSignal: signal }),
    )
  }

  async hasPath(container: string, path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const answer = (await this.call(`cannot look for ${path}`, signal, (docker) =>
        docker.getContainer(container).infoArchive({ path, abortSignal: signal }),
      )) as Readable
      answer.destroy()
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  /** Removes a container that was only needed for a moment. What cannot be removed now is swept later. */
  async removeHelper(container: string): Promise<void> {
    const signal = AbortSignal.timeout(helperRemovalMs)
    await this.call('cannot remove a helper', signal, (docker) =>
      docker.getContainer(container).remove({ force: true, v: true, abortSignal: signal }),
    ).catch(() => {})
  }

  close(): void {
    this.#agent.destroy()
  }

  #timedOut(what: string, signal: AbortSignal): Error {
    return new Error(`${what}: given up before the Docker Engine at ${this.host} had answered`, {
      cause: signal.reason,
    })
  }
}

const helperRemovalMs = 10_000
