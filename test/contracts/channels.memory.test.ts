import { fakeWorld } from '../../src/testing/index.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { channelsContract, topic } from './channels.contract.ts'

const hook = { bearer: null, body: { text: '{text}' }, reference: null, timeoutSeconds: 5 }
const letter = { from: 'runbook@shop.test', to: ['ops@shop.test', 'ada@shop.test'], timeoutSeconds: 5 }

channelsContract('in memory', async () => {
  const world = fakeWorld({ environment: { TOKEN: topic } })
  let made = 0
  const server = (host: string) => ({ host, port: 587, tls: 'if-offered' as const, login: null })
  return {
    sending: {
      clock: world.clock,
      mask: world.redactor,
      drivers: (signal) => world.drivers({ ...watchedScope(), signal }),
    },
    async webhook(...statuses) {
      const url = `http://chat.test/${(made += 1)}`
      world.web.answers.set(
        url,
        statuses.map((status) => (status === 'timed out' ? status : { status })),
      )
      return { name: 'webhook-1', by: 'webhook', hook: { ...hook, url } }
    },
    async mail(...answers) {
      const host = `mail-${(made += 1)}.test`
      const as = { accepted: 'accepted', busy: 'no connection', refused: 'refused' } as const
      world.post.answers.set(
        `${host}:587`,
        answers.map((answer) => as[answer]),
      )
      return { name: 'mail-1', by: 'mail', server: server(host), ...letter }
    },
    async command(...exitCodes) {
      const program = `notify-${(made += 1)}`
      const left = [...exitCodes]
      world.programs.installed.set(program, {
        version: '1.0.0',
        run: () => ({ exitCode: (left.length > 1 ? left.shift() : left[0]) ?? 0 }),
      })
      return {
        name: 'command-1',
        by: 'command',
        argv: [program],
        directory: '/',
        secrets: {},
        timeoutSeconds: 5,
      }
    },
    async dead(by) {
      if (by === 'webhook') return { name: by, by, hook: { ...hook, url: 'http://dead.test/' } }
      world.post.answers.set('dead.test:587', ['no connection'])
      return { name: by, by, server: server('dead.test'), ...letter }
    },
    received: async () => ({
      posts: world.web.posted.map(({ key, body }) => ({ key, body })),
      mails: world.post.delivered.map(({ key, subject, text, to }) => ({ id: key, subject, text, to })),
      calls: world.programs.calls.map(({ environment }) => environment),
    }),
  }
})
