/** An image of the cluster, before its provider has a name for it. */
export interface ImageStamp {
  readonly name: string
  /** 16 hexadecimal digits. */
  readonly hash: string
}

/** How a backend keeps the disks of machines as images. Each call may be repeated. */
export interface BackendImages {
  /** What a base image is now, so that another one of the same name is told from it: a digest, or size and time. */
  identify(from: string, o: Signalled): Promise<string>
  /**
   * Shuts the instance's machine down and keeps its disk, without anything of the agent, as what `template.image` may name then; it
   * is stamped with the cluster. What is there of an earlier try is made anew. The machine is stopped afterwards.
   */
  keep(id: string, image: ImageStamp, o: Signalled): Promise<string>
  /** All with the cluster's stamp, also half-made ones. */
  list(o: Signalled): Promise<readonly string[]>
  /** Absent is success. */
  remove(ref: string, o: Signalled): Promise<void>
}

interface Signalled {
  readonly signal: AbortSignal
}
