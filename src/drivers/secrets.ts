import type { Secret } from '../kernel/secret.ts'

/** Name and source of a secret, without its value, for plans and configuration. */
export type SecretHandle = {
  readonly secret: string
  readonly from: { readonly env: string } | { readonly file: string }
}

export interface SecretsView {
  /** Whether it can be read. Does not return or keep the value. */
  available(handle: SecretHandle): Promise<boolean>
}

export interface Secrets extends SecretsView {
  /** From now on its value is masked in all output. @throws RunbookError `preflight` if not available */
  reveal(handle: SecretHandle): Promise<Secret>
}
