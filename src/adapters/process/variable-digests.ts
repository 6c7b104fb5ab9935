import { sha256 } from '../../kernel/json.ts'

/** `NAME=VALUE` lines, each value as its SHA-256. */
export const digestsOf = (variables: readonly string[]): { readonly [name: string]: string } =>
  Object.fromEntries(
    variables.map((variable) => {
      const at = variable.indexOf('=')
      return at < 0 ? [variable, sha256('')] : [variable.slice(0, at), sha256(variable.slice(at + 1))]
    }),
  )
