/** That a worker's instances are made of an image() of the config, and how its backend's templates say so. */
export interface ImageUse<T> {
  /** Of the image. */
  readonly name: string
  /** The template of the machine that is provisioned: made of `from`, and with an agent that is root. */
  machine(image: { readonly from: string; readonly size: number | string | undefined }): T
  /** The worker's template, which names no image, with what the backend calls the image. */
  using(template: T, ref: string): T
}
