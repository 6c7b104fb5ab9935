import type { SecretHandle } from './secrets.ts'

export type MailServer = {
  readonly host: string
  readonly port: number
  /**
   * `from-start`: TLS before the first word (RFC 8314, section 3.3). `required`: by STARTTLS, or the mail is not sent.
   * `if-offered`: by STARTTLS where the server offers it.
   */
  readonly tls: 'from-start' | 'required' | 'if-offered'
  readonly login: { readonly user: string; readonly password: SecretHandle } | null
}

export type Mail = {
  readonly server: MailServer
  readonly from: string
  readonly to: readonly string[]
  /** One line. */
  readonly subject: string
  readonly text: string
  /** The same for each attempt to send the same mail; it becomes the Message-ID, by which mailboxes recognise a copy. */
  readonly key: string
}

export interface Mailer {
  /**
   * Gives one mail to the server; it has to accept every address.
   * @throws RunbookError `failed` where another attempt may succeed: no connection, no answer in time, a temporary refusal;
   *   `usage` where it may not: TLS missing or not valid, the login or an address refused
   */
  send(mail: Mail, options: { readonly timeoutSeconds: number }): Promise<void>
}
