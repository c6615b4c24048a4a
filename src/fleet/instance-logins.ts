import type { Worker } from './worker.ts'

/** What a login needs to know of instances; the latent engine knows it. */
export interface InstanceLogins {
  /** Undefined for one that this master does not know, or has done with. */
  find(id: string): InstanceLogin | undefined
}

export interface InstanceLogin {
  readonly worker: Worker
  /** The password of its first login. */
  readonly token: string
  /** SHA-256 of the credential that its agent has made; null before its first login. Then the token is worthless. */
  readonly credentialHash: Buffer | null
  /** Why it takes no agent now, for people: 'it is being stopped'. */
  readonly refusal?: string | undefined
}
