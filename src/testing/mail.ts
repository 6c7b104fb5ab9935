import type { Mail, Mailer } from '../drivers/mail.ts'
import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'

/** The answer of a fake mail server to one mail. */
export type FakeMailAnswer = 'accepted' | 'no connection' | 'refused'

export type FakePost = {
  /** Answers by server, as `HOST:PORT`: each mail takes the next one, and the last one repeats. */
  readonly answers: Map<string, readonly FakeMailAnswer[]>
  /** How often each server was tried. */
  readonly tried: Map<string, number>
  /** Every mail that was accepted, in order. */
  readonly delivered: Mail[]
}

export const emptyPost = (): FakePost => ({ answers: new Map(), tried: new Map(), delivered: [] })

export function fakeMailer(post: FakePost, secrets: Pick<Secrets, 'reveal'>): Mailer {
  return {
    async send(mail) {
      const { host, port, login } = mail.server
      if (login !== null) await secrets.reveal(login.password)
      const server = `${host}:${port}`
      const earlier = post.tried.get(server) ?? 0
      post.tried.set(server, earlier + 1)
      const answers = post.answers.get(server) ?? ['accepted']
      switch (answers[Math.min(earlier, answers.length - 1)]) {
        case 'no connection':
          throw new RunbookError('failed', `cannot send mail by ${server}: connection refused`)
        case 'refused':
          throw new RunbookError('usage', `cannot send mail by ${server}: 550 no such mailbox`)
        default:
          post.delivered.push(mail)
      }
    },
  }
}
