type Methods = { readonly [name: string]: (...args: never[]) => Promise<unknown> }

/**
 * A driver that is loaded when one of its methods is first called. Which one it is may depend on the first argument: a stack of
 * containers and one of processes, a database of this engine and of that, each come from an adapter of their own.
 */
export function lazyDriver<D extends { readonly [K in keyof D]: (...args: never[]) => Promise<unknown> }>(
  choose: (first: unknown) => Promise<D>,
): D {
  return new Proxy({} as D, {
    get: (_, method) => {
      // Whoever awaits a driver must not take it for a promise.
      if (typeof method === 'symbol' || method === 'then') return undefined
      return async (...args: readonly unknown[]) => {
        const driver = (await choose(args[0])) as unknown as Methods
        return driver[method]?.(...(args as never[]))
      }
    },
  })
}

/** Does it once, whoever asks first; a failure is tried again. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make().catch((thrown: unknown) => {
      made = null
      throw thrown
    })
    return made
  }
}
