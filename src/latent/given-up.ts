/** Which workers are not tried any more for which requests: their starts have failed too often. */
export class GivenUp {
  readonly #byRequest = new Map<number, Map<string, string>>()

  add(request: number, worker: string, why: string): void {
    const workers = this.#byRequest.get(request) ?? new Map<string, string>()
    this.#byRequest.set(request, workers.set(worker, why))
    // Of a request that was cancelled, or built elsewhere, nobody tells.
    if (this.#byRequest.size > mostKept) this.#byRequest.delete(this.#byRequest.keys().next().value!)
  }

  why(request: number, worker: string): string | undefined {
    return this.#byRequest.get(request)?.get(worker)
  }

  forget(request: number): void {
    this.#byRequest.delete(request)
  }
}

const mostKept = 10_000
