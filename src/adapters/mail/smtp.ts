import { createTransport } from 'nodemailer'
import type { Mail, Mailer } from '../../drivers/mail.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { sha256 } from '../../kernel/json.ts'
import { oneLine } from '../../kernel/sanitize.ts'

/** Mail by SMTP, over a new connection for each. */
export function smtpMailer({
  scope,
  secrets,
}: {
  readonly scope: Pick<Scope, 'signal'>
  readonly secrets: Pick<Secrets, 'reveal'>
}): Mailer {
  return {
    async send(mail, { timeoutSeconds }) {
      const { server, from, to, subject, text, key } = mail
      const { host, port, tls, login } = server
      const auth =
        login === null ? null : { user: login.user, pass: (await secrets.reveal(login.password)).reveal() }
      const milliseconds = Math.ceil(timeoutSeconds * 1000)
      const transport = createTransport({
        host,
        port,
        secure: tls === 'from-start',
        requireTLS: tls === 'required',
        // Each limits one phase; the signal below limits all of them together.
        connectionTimeout: milliseconds,
        greetingTimeout: milliseconds,
        socketTimeout: milliseconds,
        dnsTimeout: milliseconds,
        disableFileAccess: true,
        disableUrlAccess: true,
        ...(auth === null ? {} : { auth }),
      })
      const domain = from.slice(from.lastIndexOf('@') + 1).replaceAll(/[^\w.-]/g, '')
      const timeout = AbortSignal.timeout(milliseconds)
      try {
        const { rejected } = await transport.sendMail({
          from,
          to: [...to],
          subject: oneLine(subject),
          text,
          messageId: `<${sha256(key).slice(0, 40)}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.any([scope.signal, timeout]),
        })
        if (rejected.length > 0)
          throw new RunbookError(
            'usage',
            `cannot send mail by ${where(mail)}: it refused ${rejected.map(String).join(', ')}`,
            { hint: 'check the addresses of the channel in the configuration' },
          )
      } catch (thrown) {
        scope.signal.throwIfAborted()
        if (thrown instanceof RunbookError) throw thrown
        throw problemOf(mail, timeout.aborted ? `no answer within ${timeoutSeconds} s` : null, thrown)
      } finally {
        transport.close()
      }
    },
  }
}

const where = ({ server: { host, port } }: Mail): string => `${host}:${port}`

/** What nodemailer throws has a code of its own, and the reply of the server, if there is one (nodemailer, errors.js). */
type SmtpError = Error & {
  readonly code?: string
  readonly responseCode?: number
  readonly response?: string
}

function problemOf(mail: Mail, late: string | null, thrown: unknown): RunbookError {
  const { code = '', responseCode = 0, response, message } = thrown as SmtpError
  const why = late ?? oneLine(response ?? message)
  // A reply of 5yz is permanent (RFC 5321, section 4.2.1).
  const permanent = responseCode >= 500 || ['ETLS', 'EAUTH', 'ENOAUTH', 'ECONFIG'].includes(code)
  return new RunbookError(
    late === null && permanent ? 'usage' : 'failed',
    `cannot send mail by ${where(mail)}: ${why}`,
    {
      cause: thrown,
      hint:
        code === 'ETLS'
          ? 'check the certificate of the mail server, and whether it offers STARTTLS'
          : 'check the mail server, the login and the addresses of the channel in the configuration',
    },
  )
}
