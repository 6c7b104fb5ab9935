import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Json } from '../../kernel/json.ts'

/** An address that takes news as JSON: a chat's incoming webhook, a tracker's "create issue". */
export type Webhook = {
  /** Many chats take whoever knows the address for a friend: then it is a secret itself. */
  readonly url: string | SecretHandle
  readonly bearer: SecretHandle | null
  /** What is sent. In each text of it, `{text}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. */
  readonly body: Json
  /** Dotted path in the answer to what the news is called there, such as the number of a ticket. */
  readonly reference: string | null
  readonly timeoutSeconds: number
}
