type Methods = { readonly [name: string]: (...args: never[]) => Promise<unknown> }

/**
 * A driver that is loaded on the first call of a method. The first argument may select the adapter: Compose
 * or process stacks, Postgres or SQLite.
 */
export function lazyDriver<D extends { readonly [K in keyof D]: (...args: never[]) => Promise<unknown> }>(
  choose: (first: unknown) => Promise<D>,
): D {
  return new Proxy({} as D, {
    get: (_, method) => {
      // Without `then`, `await` does not take the driver for a promise.
      if (typeof method === 'symbol' || method === 'then') return undefined
      return async (...args: readonly unknown[]) => {
        const driver = (await choose(args[0])) as unknown as Methods
        return driver[method]?.(...(args as never[]))
      }
    },
  })
}

/** Runs `make` once and shares its result; retries after a failure. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null
  return () => {
    result ??= make().catch((thrown: unknown) => {
      result = null
      throw thrown
    })
    return result
  }
}
