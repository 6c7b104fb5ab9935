import type { SecretHandle } from '../../drivers/secrets.ts'

/** Where a secret is found, as written in the configuration. */
export type SecretSource = SecretHandle | { readonly env: string } | { readonly file: string }

/**
 * Names a secret in `runbook.config.ts`: `secret('PGPASSWORD')` for a variable,
 * `secret({ file: '/run/secrets/db' })` for a file. The value is read only when a step needs it.
 */
export function secret(from: string | { readonly env: string } | { readonly file: string }): SecretHandle {
  if (typeof from === 'string') return { secret: from, from: { env: from } }
  return 'env' in from
    ? { secret: from.env, from }
    : { secret: from.file.split('/').at(-1) ?? from.file, from }
}
