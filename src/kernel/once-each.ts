/** The function, computed once for each argument, as an object. For arguments that never change, such as plans. */
export function onceEach<A extends object, R>(compute: (argument: A) => R): (argument: A) => R {
  const known = new WeakMap<A, { readonly result: R }>()
  return (argument) => {
    const before = known.get(argument)
    if (before !== undefined) return before.result
    const result = compute(argument)
    known.set(argument, { result })
    return result
  }
}
