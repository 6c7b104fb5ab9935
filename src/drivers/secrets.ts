import type { Secret } from '../kernel/secret.ts'

/** Names a secret without holding it: this is what plans and configuration carry. */
export type SecretHandle = {
  readonly secret: string
  readonly from: { readonly env: string } | { readonly file: string }
}

export interface SecretsView {
  /** Whether it can be had. The value is not read into anything. */
  available(handle: SecretHandle): Promise<boolean>
}

export interface Secrets extends SecretsView {
  /** From now on the value is masked wherever this program writes. @throws RunbookError `preflight` when it cannot be had. */
  reveal(handle: SecretHandle): Promise<Secret>
}
