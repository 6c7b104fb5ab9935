import { sha256 } from '../../kernel/json.ts'

/** The SHA-256 of each value in `NAME=VALUE` lines, by name. */
export const digestsOf = (variables: readonly string[]): { readonly [name: string]: string } =>
  Object.fromEntries(
    variables.map((variable) => {
      const at = variable.indexOf('=')
      return at < 0 ? [variable, sha256('')] : [variable.slice(0, at), sha256(variable.slice(at + 1))]
    }),
  )
