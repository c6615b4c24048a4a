import type { Worker } from './worker.ts'

/** What a login needs to know of instances; the latent engine knows it. */
export interface InstanceLogins {
  /** Undefined for one that this master does not know, or has done with. */
  find(id: string): Promise<InstanceLogin | undefined>
}

export interface InstanceLogin {
  /** Who it is here, asked for once the login is right; undefined: another master looks after it. */
  readonly worker: () => Promise<Worker | undefined>
  /** Which of its lives this is. */
  readonly generation: number
  /** The password of its first login. */
  readonly token: string
  /** SHA-256 of the credential that its agent has made; null before its first login. Then the token is worthless. */
  readonly credentialHash: Buffer | null
  /** Whether this was good for an earlier generation. */
  isOutdated(attempt: { readonly password: string; readonly credentialHash: Buffer }): boolean
  /** An agent came with that: the machine was not reset, or is not yet. */
  outdated(): void
  /** Why it takes no agent now, for people: 'it is being stopped'. */
  readonly refusal?: string | undefined
}
